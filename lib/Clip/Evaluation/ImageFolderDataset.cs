using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Inference;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Evaluation;

/// <summary>
/// Labelled images in folders: each subfolder is a class, named after the folder with underscores replaced by spaces, and holds the class's
/// images at any depth. Subfolders whose names begin with a dot are skipped.
/// </summary>
public sealed class ImageFolderDataset
{
    private ImageFolderDataset(IReadOnlyList<string> classNames, IReadOnlyList<string> files, IReadOnlyList<int> labels) =>
        (ClassNames, Files, Labels) = (classNames, files, labels);

    /// <summary>The C names, in the order of their folders.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>The N images' paths, class by class.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Each image's class, as an index into <see cref="ClassNames"/>.</summary>
    public IReadOnlyList<int> Labels { get; }

    /// <summary>Lists a folder; no image is opened.</summary>
    /// <param name="folder">Holds one folder for each class.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">There is no class in it, a class has no image, or two classes have one name.</exception>
    public static ImageFolderDataset Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder {folder} of classes.");
        var classes = Directory.EnumerateDirectories(folder)
            .Where(path => Path.GetFileName(path) is { } name && name[0] != '.')
            .Order(StringComparer.Ordinal)
            .Select(path => (Path: path, Name: Path.GetFileName(path).Replace('_', ' ').Trim(), Files: ImageFiles.In(path))).ToList();
        if (classes.Count == 0) throw new InvalidDataException($"{folder} holds no folder: one for each class is needed, such as " +
            $"{Path.Combine(folder, "cat")}, with the class's images in it.");
        if (classes.FirstOrDefault(entry => entry.Files.Count == 0) is { Path: { } empty })
            throw new InvalidDataException($"The class folder {empty} holds no image ({string.Join(", ", ImageFiles.Extensions)}). Put " +
                $"some there, or remove the folder.");
        if (classes.GroupBy(entry => entry.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } repeated)
            throw new InvalidDataException($"The folders {string.Join(" and ", repeated.Select(entry => entry.Path))} both name the " +
                $"class \"{repeated.Key}\". Rename one.");
        return new ImageFolderDataset(
            [.. classes.Select(entry => entry.Name)], [.. classes.SelectMany(entry => entry.Files)],
                [.. classes.Index().SelectMany(entry => Enumerable.Repeat(entry.Index, entry.Item.Files.Count))]);
    }

    /// <summary>Classifies every image zero-shot and measures the results.</summary>
    /// <param name="encoder">The model.</param>
    /// <param name="templates">Sentences with a gap <c>{}</c> for the class name; "a photo of a {}." by default.</param>
    /// <param name="progress">Told the number of images done, batch by batch.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>The figures over the images that could be read, and those that could not.</returns>
    /// <exception cref="ArgumentException">A template has no gap.</exception>
    /// <exception cref="InvalidDataException">No image could be read.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was triggered.</exception>
    /// <exception cref="NonFiniteException">The model gives no finite numbers.</exception>
    public (ClassificationReport Report, IReadOnlyList<PreparedImage> Unreadable) Evaluate(
        ClipEncoder encoder, IReadOnlyList<string>? templates = null, IProgress<int>? progress = null,
            CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        using var scope = NewDisposeScope();
        using var classifier = new ZeroShotClassifier(encoder, ClassNames, templates);
        var (embeddings, read, unreadable) = encoder.Embed(Files, progress, cancellation);
        return (ClassificationReport.Measure(classifier.Probabilities(embeddings), [.. read.Select(i => Labels[i])]), unreadable);
    }
}
