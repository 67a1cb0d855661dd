using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Workbook.Emoji;

/// <summary>
/// A folder that <c>clipbook data emoji</c> wrote: <c>manifest.json</c>, <c>concepts.json</c>, and a picture of each concept by each
/// designer that draws it, <c>pictures/STYLE/ID.png</c>, transparent where nothing is drawn.
/// </summary>
public sealed class EmojiData
{
    /// <summary>The name of the manifest's file.</summary>
    public const string ManifestName = "manifest.json";

    /// <summary>The name of the concepts' file.</summary>
    public const string ConceptsName = "concepts.json";

    /// <summary>The JSON options of both files.</summary>
    public static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
        NewLine = "\n",
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private EmojiData(string folder, EmojiManifest manifest, IReadOnlyList<EmojiConcept> concepts, string fingerprint) =>
        (Folder, Manifest, Concepts, Fingerprint) = (folder, manifest, concepts, fingerprint);

    /// <summary>The folder of the data.</summary>
    public string Folder { get; }

    /// <summary>What the data hold, and what they were made from.</summary>
    public EmojiManifest Manifest { get; }

    /// <summary>The concepts, in CLDR's order.</summary>
    public IReadOnlyList<EmojiConcept> Concepts { get; }

    /// <summary>The first digits of a hash of both files: it tells runs on different data apart.</summary>
    public string Fingerprint { get; }

    /// <summary>The path of a style's picture of a concept within a folder of data.</summary>
    /// <param name="style">The designer's name.</param>
    /// <param name="id">The concept's <see cref="EmojiConcept.Id"/>.</param>
    public static string PictureName(string style, string id) => Path.Combine("pictures", style, id + ".png");

    /// <summary>Reads a folder's manifest and concepts; pictures are read when they are asked for.</summary>
    /// <exception cref="FileNotFoundException">The folder holds no such data; the message says how they are made.</exception>
    /// <exception cref="InvalidDataException">A file is damaged or of another format.</exception>
    public static EmojiData Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var manifest = Read<EmojiManifest>(folder, ManifestName, out string one);
        if (manifest.Format != 1)
            throw new InvalidDataException($"{Path.Combine(folder, ManifestName)}: \"format\" is {manifest.Format}; this version reads " +
                $"1. {Cure}");
        var concepts = Read<EmojiConcept[]>(folder, ConceptsName, out string two);
        if (concepts.Length != manifest.Concepts || concepts.Length < 2)
            throw new InvalidDataException($"{Path.Combine(folder, ConceptsName)} has {concepts.Length} concepts, {ManifestName} says " +
                $"{manifest.Concepts}; both must be the same, and at least 2. {Cure}");
        byte[] hash = SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(one + two));
        return new EmojiData(folder, manifest, concepts, Convert.ToHexStringLower(hash)[..12]);
    }

    /// <summary>A style's picture of a concept, with its transparency.</summary>
    /// <exception cref="InvalidDataException">The file is missing, damaged, or of another size than the manifest says.</exception>
    public RasterImage Picture(string style, EmojiConcept concept)
    {
        ArgumentNullException.ThrowIfNull(concept);
        string path = Path.Combine(Folder, PictureName(style, concept.Id));
        if (!File.Exists(path)) throw new InvalidDataException($"{path} is missing, and {ConceptsName} lists it. {Cure}");
        var image = RasterImage.Load(path);
        if (image.Width == Manifest.Pixels && image.Height == Manifest.Pixels && image.Layout == SampleLayout.Rgba) return image;
        string found = $"{image.Width} x {image.Height} pixels ({image.Layout})";
        image.Dispose();
        throw new InvalidDataException($"{path} has {found}; a side of {Manifest.Pixels} with transparency is needed. {Cure}");
    }

    /// <summary>The same picture on a white background, as a reader's own picture would be.</summary>
    public RasterImage OnWhite(string style, EmojiConcept concept)
    {
        using var image = Picture(style, concept);
        var samples = image.Samples;
        byte[] rgb = new byte[3 * image.Width * image.Height];
        for (int i = 0, j = 0; i < rgb.Length; i += 3, j += 4)
        {
            int alpha = samples[j + 3];
            for (int c = 0; c < 3; c++) rgb[i + c] = (byte)((samples[j + c] * alpha + 255 * (255 - alpha) + 127) / 255);
        }
        return RasterImage.FromRgb(image.Width, image.Height, rgb);
    }

    private const string Cure = "Make the data anew: clipbook data emoji --packages FOLDER --output FOLDER.";

    private static T Read<T>(string folder, string name, out string text)
    {
        string path = Path.Combine(folder, name);
        if (!File.Exists(path)) throw new FileNotFoundException($"{folder} holds no emoji data: there is no {name}. {Cure}", path);
        text = TextFile.Read(path);
        try
        {
            return JsonSerializer.Deserialize<T>(text, Json) ?? throw new JsonException("it is empty");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path} cannot be read: {exception.Message} {Cure}", exception);
        }
    }
}
