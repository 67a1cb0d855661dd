using System.Globalization;
using System.Text.Json;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Images;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook;

/// <summary>What every lesson needs to find: the repository's folders, the model in use, the sample images.</summary>
public static class Lesson
{
    /// <summary>The environment variable that puts another model in the place of the embedded one.</summary>
    public const string ModelVariable = "CLIP_MODEL";

    /// <summary>The environment variable with the language of the views; by default it is that of the lesson's folder.</summary>
    public const string LanguageVariable = "CLIP_LANGUAGE";

    private const string Mark = "ClipNotebooks.sln";

    /// <summary>
    /// The language of the running lesson, en or ko: the value of <see cref="LanguageVariable"/>, else that of the working directory, since
    /// editors start a lesson in its own folder.
    /// </summary>
    public static string Language
    {
        get
        {
            string? said = Environment.GetEnvironmentVariable(LanguageVariable);
            return (said is { Length: > 0 } ? said : Path.GetFileName(Environment.CurrentDirectory)) == "ko" ? "ko" : "en";
        }
    }

    /// <summary>The one of two values that is in the lesson's language.</summary>
    internal static T In<T>(T english, T korean) => Language == "ko" ? korean : english;

    /// <summary>The repository's root: the folder of ClipNotebooks.sln, above the working directory or above this library.</summary>
    /// <exception cref="DirectoryNotFoundException">Neither lies in the repository.</exception>
    public static string Repository => Found ?? throw new DirectoryNotFoundException(
        $"There is no {Mark} above {Environment.CurrentDirectory}; open the lessons inside the repository.");

    /// <summary>
    /// The folder of what the project ships: images, models, plots. Outside the repository it is the folder beside the program, which has
    /// the images and the embedded model in the tool's package.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">There is neither.</exception>
    public static string Data => Found is null && Directory.Exists(Shipped) ? Shipped : Path.Combine(Repository, "data");

    /// <summary>
    /// The model in use: <see cref="ModelVariable"/> (a folder, also relative to the repository, or a Hub id), else
    /// data/models/tiny-clip.
    /// </summary>
    public static string Model =>
        Environment.GetEnvironmentVariable(ModelVariable) is not { Length: > 0 } chosen ? Path.Combine(Data, "models", "tiny-clip")
        : Directory.Exists(chosen) ? Path.GetFullPath(chosen)
        : Found is { } root && Directory.Exists(Path.Combine(root, chosen)) ? Path.Combine(root, chosen)
        : chosen;

    /// <summary>The embedded model that knows emoji, by their names in English and Korean: data/models/emoji-clip.</summary>
    public static string EmojiModel => Path.Combine(Data, "models", "emoji-clip");

    /// <summary>
    /// Emoji by one of the designers that <see cref="EmojiModel"/> was trained on, as <see cref="Emoji.EmojiGallery"/>
    /// reads them: data/emoji.
    /// </summary>
    public static string EmojiPictures => Path.Combine(Data, "emoji");

    /// <summary>Some emoji of a designer that <see cref="EmojiModel"/> was not trained on: data/openmoji.</summary>
    public static string NewStyle => Path.Combine(Data, "openmoji");

    /// <summary>Whether <see cref="Model"/> is the model that the repository ships, with which a book's pages compute.</summary>
    internal static bool UsesEmbeddedModel => Path.GetFullPath(Model) == Path.GetFullPath(Path.Combine(Data, "models", "tiny-clip"));

    /// <summary>The sample images of data/images with their captions, in the order of captions.json.</summary>
    /// <param name="count">How many; the first eight differ the most.</param>
    /// <exception cref="FileNotFoundException">data/images/captions.json or an image it names is missing.</exception>
    /// <exception cref="InvalidDataException">captions.json is not an object from file name to captions.</exception>
    public static IReadOnlyList<Sample> Samples(int count = 8)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        string folder = Path.Combine(Data, "images"), file = Path.Combine(folder, "captions.json");
        if (!File.Exists(file)) throw new FileNotFoundException($"The sample images are described in {file}, which is missing.", file);
        try
        {
            using var captions = JsonDocument.Parse(TextFile.Read(file));
            return [.. captions.RootElement.EnumerateObject().Take(count).Select(entry => new Sample(
                entry.Name, RasterImage.Load(Path.Combine(folder, entry.Name)),
                [.. entry.Value.EnumerateArray().Select(caption => caption.GetString()!)]))];
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{file} is not an object from file name to captions: {exception.Message}", exception);
        }
    }

    /// <summary>Opens the model in use.</summary>
    /// <param name="device">Where to run; CUDA if there is one, else the CPU.</param>
    /// <returns>The model with its processor; the caller's to dispose.</returns>
    /// <exception cref="DirectoryNotFoundException">The embedded model is not there.</exception>
    public static ClipEncoder Open(Device? device = null)
    {
        string model = Model;
        if (Path.IsPathRooted(model) && !Directory.Exists(model))
            throw new DirectoryNotFoundException($"There is no model at {model}. Train it with `clipbook train`, or set {ModelVariable} " +
                $"to a model's folder.");
        return ClipEncoder.FromPretrained(model, device);
    }

    /// <summary>
    /// The model that a lesson takes to pieces: the model in use or, if that is of another family than OpenAI's Vision Transformers with
    /// their text tower, the embedded one, whose parts have the names that the lesson shows.
    /// </summary>
    /// <param name="inUse">The model in use.</param>
    /// <returns>A folder or a Hub id.</returns>
    public static string ToTakeApart(ClipEncoder inUse)
    {
        ArgumentNullException.ThrowIfNull(inUse);
        var config = inUse.Model.Config;
        return config is { Vision: { IsClips: true, LayerScale: null }, Text: { IsClips: true, LayerScale: null }, IsSigmoid: false }
            ? Model : Path.Combine(Data, "models", "tiny-clip");
    }

    /// <summary>
    /// Takes an optimizer's step and puts garbage collection off until after it. TorchSharp 0.107 does not keep alive the hundred or more
    /// numbers that a step passes to libtorch: a collection during the step now and then ends the cell with "Unknown scalar type". The
    /// library's trainer does the same.
    /// </summary>
    /// <param name="optimizer">The optimizer, after the backward pass.</param>
    public static void Step(optim.Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        using var _ = new NoCollection(16 << 20);
        optimizer.step();
    }

    /// <summary>Compares a result by hand with the library's, at the end of a cell that computes something twice.</summary>
    /// <param name="naive">Any shape.</param>
    /// <param name="library">The same shape.</param>
    /// <param name="tolerance">The largest difference allowed; by default what float32 sums of a few hundred terms can differ by.</param>
    /// <returns>A sentence with the largest difference.</returns>
    /// <exception cref="InvalidOperationException">
    /// The shapes or the values differ; the message has both shapes, or the largest difference.
    /// </exception>
    public static string Agree(Tensor naive, Tensor library, double tolerance = 1e-4)
    {
        ArgumentNullException.ThrowIfNull(naive);
        ArgumentNullException.ThrowIfNull(library);
        if (!naive.shape.AsSpan().SequenceEqual(library.shape))
            throw new InvalidOperationException($"The results do not agree: by hand ({string.Join(", ", naive.shape)}), by the library " +
                $"({string.Join(", ", library.shape)}).");
        using var scope = NewDisposeScope();
        double largest = (naive.detach().cpu().to(float64) - library.detach().cpu().to(float64)).abs().max().ToDouble();
        return largest <= tolerance
            ? In(
                string.Create(CultureInfo.InvariantCulture, $"By hand and by the library: equal, to within {largest:G2}."),
                string.Create(CultureInfo.InvariantCulture, $"손으로 한 것과 라이브러리의 것이 같습니다. 차이는 많아야 {largest:G2}입니다."))
            : throw new InvalidOperationException($"The results do not agree: they differ by up to {largest:G2}.");
    }

    /// <inheritdoc cref="Agree(Tensor, Tensor, double)"/>
    public static string Agree(double naive, double library, double tolerance = 1e-5)
    {
        using var scope = NewDisposeScope();
        return Agree(tensor(naive), tensor(library), tolerance);
    }

    private static string Shipped => Path.Combine(AppContext.BaseDirectory, "data");

    private static string? Found => Above(Environment.CurrentDirectory) ?? Above(AppContext.BaseDirectory)
        ?? Above(Path.GetDirectoryName(typeof(Lesson).Assembly.Location));

    private static string? Above(string? folder)
    {
        for (; folder is not null; folder = Path.GetDirectoryName(folder))
            if (File.Exists(Path.Combine(folder, Mark))) return folder;
        return null;
    }
}
