using System.Text.Json;
using System.Text;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Inference;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Evaluation;

/// <summary>
/// Images with captions, for retrieval, from one file beside the images. JSON: an object whose keys are image files and whose values are a
/// caption or a list of them. CSV or TSV: a header with a column for the image (<c>filepath</c>, <c>image</c>, <c>file</c>,
/// <c>filename</c>, <c>file_name</c>) and one for the caption (<c>title</c>, <c>caption</c>, <c>text</c>), one caption a line; an image may
/// have several lines.
/// </summary>
public sealed class CaptionDataset
{
    private const int LongestQuote = 200;

    private static readonly string[] ImageColumns = ["filepath", "image", "file", "filename", "file_name"];
    private static readonly string[] CaptionColumns = ["title", "caption", "text"];

    private CaptionDataset(IReadOnlyList<string> files, IReadOnlyList<string> captions, IReadOnlyList<int> imageOf) =>
        (Files, Captions, ImageOf) = (files, captions, imageOf);

    /// <summary>The N images' paths, in the order of the file.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>The M captions, image by image.</summary>
    public IReadOnlyList<string> Captions { get; }

    /// <summary>Each caption's image, as an index into <see cref="Files"/>.</summary>
    public IReadOnlyList<int> ImageOf { get; }

    /// <summary>Reads a captions file; no image is opened.</summary>
    /// <param name="path">
    /// A file that ends in .json, .csv, .tsv or .tab, in UTF-8, or in UTF-16 with a byte order mark; CR, LF and CRLF end a line.
    /// </param>
    /// <param name="images">The folder that image paths are relative to; the file's own by default.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file has another form or encoding, holds no caption, or has an empty one; the message says where.
    /// </exception>
    public static CaptionDataset Open(string path, string? images = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no file of captions at {path}.", path);
        var pairs = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".json" => FromJson(path),
            ".csv" => FromTable(path, ','),
            ".tsv" or ".tab" => FromTable(path, '\t'),
            var other => throw new InvalidDataException(
                $"{path}: captions are read from .json, .csv and .tsv files, not from \"{other}\"."),
        };
        string folder = images ?? Path.GetDirectoryName(Path.GetFullPath(path))!;
        var (files, captions) = (new List<string>(), new List<List<string>>());
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (image, caption, where) in pairs)
        {
            if (string.IsNullOrWhiteSpace(image) || string.IsNullOrWhiteSpace(caption)) throw new InvalidDataException(
                $"{path}, {where}: {(string.IsNullOrWhiteSpace(image) ? "the image's name" : "the caption")} is empty.");
            if (!places.TryGetValue(image, out int place))
            {
                places.Add(image, place = files.Count);
                files.Add(Path.GetFullPath(image, Path.GetFullPath(folder)));
                captions.Add([]);
            }
            captions[place].Add(caption);
        }
        if (files.Count == 0) throw new InvalidDataException($"{path} holds no caption.");
        return new CaptionDataset(files, [.. captions.SelectMany(list => list)],
            [.. captions.Index().SelectMany(list => Enumerable.Repeat(list.Index, list.Item.Count))]);
    }

    /// <summary>Splits the data set by images: each image goes with its captions into one of the two parts.</summary>
    /// <param name="share">The second part's approximate share of the images, between 0 and 1; each part gets at least one image.</param>
    /// <param name="seed">The random seed that decides which images are held out.</param>
    /// <returns>The part to train on, and the part held out.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The share is not between 0 and 1.</exception>
    /// <exception cref="InvalidOperationException">There is only one image.</exception>
    public (CaptionDataset Training, CaptionDataset HeldOut) Split(double share, int seed)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(share is > 0 and < 1, true, nameof(share));
        if (Files.Count < 2) throw new InvalidOperationException("One image cannot be divided into a part to train on and one held out.");
        int[] order = [.. Enumerable.Range(0, Files.Count)];
        new Random(seed).Shuffle(order);
        int held = Math.Clamp((int)Math.Round(share * order.Length), 1, order.Length - 1);
        return (Part(order[held..]), Part(order[..held]));

        CaptionDataset Part(int[] images)
        {
            var row = images.Order().Index().ToDictionary(image => image.Item, image => image.Index);
            int[] captions = [.. Enumerable.Range(0, Captions.Count).Where(caption => row.ContainsKey(ImageOf[caption]))];
            return new([.. row.Keys.Order().Select(image => Files[image])], [.. captions.Select(caption => Captions[caption])],
                [.. captions.Select(caption => row[ImageOf[caption]])]);
        }
    }

    /// <summary>Measures retrieval in both directions: captions by image, and images by caption.</summary>
    /// <param name="encoder">The model.</param>
    /// <param name="progress">Told the number of images done, batch by batch.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>The figures over the images that could be read and their captions, and the images that could not.</returns>
    /// <exception cref="InvalidDataException">No image could be read.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was triggered.</exception>
    /// <exception cref="NonFiniteException">The model gives no finite numbers.</exception>
    public (RetrievalReport Report, IReadOnlyList<PreparedImage> Unreadable) Evaluate(
        ClipEncoder encoder, IProgress<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        using var scope = NewDisposeScope();
        var (embeddings, read, unreadable) = encoder.Embed(Files, progress, cancellation);
        var row = read.Index().ToDictionary(entry => entry.Item, entry => entry.Index);
        int[] kept = [.. Enumerable.Range(0, Captions.Count).Where(m => row.ContainsKey(ImageOf[m]))];
        cancellation.ThrowIfCancellationRequested();
        var similarity = embeddings.mm(encoder.EncodeTexts([.. kept.Select(m => Captions[m])]).t());                          // (N, M)
        return (RetrievalReport.Measure(similarity, [.. kept.Select(m => row[ImageOf[m]])]), unreadable);
    }

    private static List<(string Image, string Caption, string Where)> FromJson(string path)
    {
        try
        {
            string text = TextFile.Read(path);
            if (string.IsNullOrWhiteSpace(text)) return [];
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw Form("the file");
            var pairs = new List<(string, string, string)>();
            foreach (var image in document.RootElement.EnumerateObject())
            {
                var captions = image.Value.ValueKind == JsonValueKind.Array ? [.. image.Value.EnumerateArray()] : new[] { image.Value };
                foreach (var caption in captions)
                    pairs.Add((image.Name, caption.ValueKind == JsonValueKind.String ? caption.GetString()!
                        : throw Form($"\"{image.Name}\""), $"\"{image.Name}\""));
            }
            return pairs;
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path}, line {exception.LineNumber + 1}: this is not JSON.", exception);
        }
        catch (InvalidOperationException exception)
        {
            throw new InvalidDataException(
                $"{path}: a name or a caption has half a character (a surrogate without its other, such as \\ud83d alone).", exception);
        }

        InvalidDataException Form(string where) => new($"{path}: {where} is not of the form {{\"cat.png\": [\"a caption\", …], …}}.");
    }

    private static IEnumerable<(string Image, string Caption, string Where)> FromTable(string path, char separator)
    {
        using var rows = Rows(path, separator).GetEnumerator();
        if (!rows.MoveNext()) yield break;
        var header = rows.Current.Fields;
        int image = Column(ImageColumns, "image"), caption = Column(CaptionColumns, "caption");
        while (rows.MoveNext())
        {
            var (fields, line) = rows.Current;
            if (fields.Count != header.Count) throw new InvalidDataException(
                $"{path}, line {line}: {fields.Count} columns where the header has {header.Count}.");
            yield return (fields[image], fields[caption], $"line {line}");
        }

        int Column(string[] names, string what) => header.FindIndex(
            name => names.Contains(name.Trim(), StringComparer.OrdinalIgnoreCase)) is >= 0 and var at ? at
            : throw new InvalidDataException(
                $"{path}, line 1: the header \"{Start(string.Join(separator, header))}\" names no column for the {what}: " +
                $"one of {string.Join(", ", names)} is needed.");

        static string Start(string text) => text.Length <= LongestQuote ? text : text[..LongestQuote] + "…";
    }

    /// <summary>
    /// The rows of a table after RFC 4180: fields in quotation marks may hold separators, line ends and doubled quotation marks; empty
    /// lines are skipped.
    /// </summary>
    private static IEnumerable<(List<string> Fields, int Line)> Rows(string path, char separator)
    {
        string text = TextFile.Read(path);
        var (fields, field, line, start) = (new List<string>(), new StringBuilder(), 1, 1);
        bool quoted = false;
        for (int i = 0; i <= text.Length; i++)
        {
            char c = i < text.Length ? text[i] : '\n';
            bool endsLine = c == '\n' || (c == '\r' && (i + 1 == text.Length || text[i + 1] != '\n'));
            if (quoted && i == text.Length) throw new InvalidDataException($"{path}, line {start}: a quotation mark is not closed.");
            if (quoted && c == '"' && i + 1 < text.Length && text[i + 1] == '"') field.Append(text[i++]);
            else if (quoted && c == '"') quoted = false;
            else if (quoted) field.Append(c);
            else if (c == '"' && field.Length == 0) quoted = true;
            else if (c == separator) End();
            else if (endsLine)
            {
                if (fields.Count > 0 || field.Length > 0)
                {
                    End();
                    yield return (fields, start);
                    fields = [];
                }
                start = line + 1;
            }
            else if (c != '\r') field.Append(c);
            if (endsLine) line++;
        }

        void End()
        {
            fields.Add(field.ToString());
            field.Clear();
        }
    }
}
