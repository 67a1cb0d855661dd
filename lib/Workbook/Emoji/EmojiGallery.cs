using System.Text.Json;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Workbook.Emoji;

/// <summary>
/// One designer's emoji on a white background, one file each, with their names: a folder that <c>clipbook data gallery</c> wrote, such as
/// <c>data/emoji</c>.
/// </summary>
public sealed class EmojiGallery
{
    /// <summary>The name of the file with the names.</summary>
    public const string NamesFile = "names.json";

    private EmojiGallery(string folder, IReadOnlyList<EmojiEntry> entries) => (Folder, Entries) = (folder, entries);

    /// <summary>The folder of the pictures.</summary>
    public string Folder { get; }

    /// <summary>The pictures, in the order of their files' names.</summary>
    public IReadOnlyList<EmojiEntry> Entries { get; }

    /// <summary>Reads the names; pictures are read when they are asked for.</summary>
    /// <exception cref="FileNotFoundException">The folder holds no gallery.</exception>
    /// <exception cref="InvalidDataException">The names are damaged, or there are none.</exception>
    public static EmojiGallery Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string path = Path.Combine(folder, NamesFile);
        if (!File.Exists(path))
            throw new FileNotFoundException($"{folder} holds no gallery of emoji: there is no {NamesFile}. {Cure}", path);
        try
        {
            var entries = JsonSerializer.Deserialize<EmojiEntry[]>(TextFile.Read(path), EmojiData.Json);
            return entries is { Length: > 0 } ? new EmojiGallery(folder, entries) : throw new JsonException("it is empty.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path} cannot be read: {exception.Message} {Cure}", exception);
        }
    }

    /// <summary>A picture, on a white background.</summary>
    /// <exception cref="InvalidDataException">The file is missing or damaged.</exception>
    public RasterImage Picture(EmojiEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        string path = Path.Combine(Folder, entry.File);
        return File.Exists(path) ? RasterImage.Load(path)
            : throw new InvalidDataException($"{path} is missing, and {NamesFile} lists it. {Cure}");
    }

    private const string Cure = "Make the gallery anew: clipbook data gallery --data FOLDER --output FOLDER.";
}
