using System.Runtime.CompilerServices;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Core.Inference;

/// <summary>
/// Classifies images by the names of classes it was never trained on (paper, section 3.1.2): the embedding of each class's captions is a
/// row of a linear classifier, computed once. With several templates a row is the normalised mean of their embeddings (section 3.1.4).
/// Works with any encoder. Thread-safe.
/// </summary>
public sealed class ZeroShotClassifier : IDisposable
{
    /// <summary>Captions embedded before their means are taken: bounds the memory of many classes times many templates.</summary>
    private const int CaptionsAtOnce = 1024;

    private readonly IClipEncoder _encoder;
    private readonly float[][] _weights;
    private readonly float[]? _neutral;
    private volatile bool _disposed;

    /// <summary>Embeds every class name in every template.</summary>
    /// <param name="encoder">The model; the caller disposes it.</param>
    /// <param name="classNames">C names, all different.</param>
    /// <param name="templates">Sentences with a gap <c>{}</c>; "a photo of a {}." by default.</param>
    /// <param name="multiLabel">
    /// False: the classes exclude each other, and their probabilities, a softmax, sum to 1. True: an image may show several or none; each
    /// class has a probability of its own, the sigmoid of its logit minus the logit of <paramref name="neutral"/>. A model trained with a
    /// sigmoid for each pair (SigLIP) gives each class's probability by itself, in both cases.
    /// </param>
    /// <param name="neutral">A name that fits any image, to compare with; only used with <paramref name="multiLabel"/>.</param>
    /// <exception cref="ArgumentException">There is no class, a name is repeated or empty, or a template has no gap.</exception>
    public ZeroShotClassifier(
        IClipEncoder encoder, IReadOnlyList<string> classNames, IReadOnlyList<string>? templates = null, bool multiLabel = false,
            string neutral = "thing")
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(classNames);
        templates ??= PromptTemplates.Photo;
        if (classNames.Count == 0) throw new ArgumentException(
            "There is no class to choose from: the list of names is empty.", nameof(classNames));
        if (templates.Count == 0) throw new ArgumentException("There is no template: the list is empty.", nameof(templates));
        if (classNames.FirstOrDefault(string.IsNullOrWhiteSpace) is { } empty)
            throw new ArgumentException($"A class name is empty (\"{empty}\").", nameof(classNames));
        if (classNames.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } repeated)
            throw new ArgumentException($"The class \"{repeated.Key}\" is named {repeated.Count()} times.", nameof(classNames));
        ArgumentException.ThrowIfNullOrWhiteSpace(neutral);

        (_encoder, ClassNames, Templates) = (encoder, [.. classNames], [.. templates]);
        _weights = [.. ClassNames.Chunk(Math.Max(1, CaptionsAtOnce / Templates.Count)).SelectMany(names => Embed(names))];
        if (multiLabel) _neutral = Embed([neutral]).Single();
    }

    private ZeroShotClassifier(IClipEncoder encoder, ClassifierFile file) =>
        (_encoder, ClassNames, Templates, _weights, _neutral) = (encoder, file.ClassNames, file.Templates, file.Weights, file.Neutral);

    /// <summary>The C class names, in the order of the probabilities' columns.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>The sentences in which each name was embedded.</summary>
    public IReadOnlyList<string> Templates { get; }

    /// <summary>Whether an image may have several classes, or none.</summary>
    public bool MultiLabel => _neutral is not null;

    /// <summary>
    /// Whether each class's probability is independent of the other classes: with <see cref="MultiLabel"/>, or for a model trained with a
    /// sigmoid for each pair (<see cref="IClipEncoder.IsSigmoid"/>). Rows then need not sum to 1.
    /// </summary>
    public bool IsIndependent => MultiLabel || _encoder.IsSigmoid;

    /// <summary>E, the width of the embeddings that it takes.</summary>
    internal int Width => _weights[0].Length;

    /// <summary>The probability of every class for every image.</summary>
    /// <returns>N rows of C, 0 to 1; rows sum to 1 unless <see cref="IsIndependent"/>.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    /// <exception cref="ObjectDisposedException">The classifier or its encoder was disposed.</exception>
    public double[][] Probabilities(IReadOnlyList<RasterImage> images)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Probabilities(_encoder.EmbedImages(images));
    }

    /// <summary>The probability of every class for images that are already embedded.</summary>
    /// <param name="embeddings">N rows of E values, L2-normalised, as <see cref="IClipEncoder.EmbedImages"/> gives them.</param>
    /// <returns>N rows of C, 0 to 1; rows sum to 1 unless <see cref="IsIndependent"/>.</returns>
    /// <exception cref="ArgumentException">An embedding has another width, or is not finite.</exception>
    /// <exception cref="ObjectDisposedException">The classifier or its encoder was disposed.</exception>
    public double[][] Probabilities(IReadOnlyList<float[]> embeddings)
    {
        ArgumentNullException.ThrowIfNull(embeddings);
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (float[] row in embeddings)
        {
            if (row.Length != Width) throw new ArgumentException(
                $"An embedding has {row.Length} values; the classifier's have {Width}.", nameof(embeddings));
            if (!Array.TrueForAll(row, float.IsFinite))
                throw new ArgumentException("An embedding holds NaN or infinity.", nameof(embeddings));
        }
        double[][] logits = _encoder.Logits(embeddings, _weights);                                    // N × (C)
        if (_neutral is null || _encoder.IsSigmoid) return _encoder.Probabilities(logits);
        double[][] neutral = _encoder.Logits(embeddings, [_neutral]);                                 // N × (1)
        return [.. logits.Zip(neutral, (row, zero) => row.Select(logit => 1 / (1 + Math.Exp(zero[0] - logit))).ToArray())];
    }

    /// <summary>The classes of one image, the most probable first.</summary>
    public IReadOnlyList<(string ClassName, double Probability)> Classify(RasterImage image) => ClassifyBatch([image], 0)[0];

    /// <summary>
    /// Classifies a stream of images, a batch at a time: no more than a batch is held, and answers come as soon as their batch is done.
    /// </summary>
    /// <param name="images">Read one batch at a time, as the answers are taken.</param>
    /// <param name="batchSize">Images encoded at once, at least 1.</param>
    /// <returns>For each image, in order, its classes, the most probable first.</returns>
    public IEnumerable<IReadOnlyList<(string ClassName, double Probability)>> Classify(
        IEnumerable<RasterImage> images, int batchSize = ImageFiles.DefaultBatch)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        return images.Chunk(batchSize).SelectMany((batch, place) => ClassifyBatch(batch, (long)place * batchSize));
    }

    /// <summary>Classifies images that arrive asynchronously, a batch at a time; the model runs on the thread pool.</summary>
    /// <inheritdoc cref="Classify(IEnumerable{RasterImage}, int)"/>
    /// <param name="images">Read one batch at a time, as the answers are taken.</param>
    /// <param name="batchSize">Images encoded at once, at least 1.</param>
    /// <param name="cancellationToken">Stops between two batches.</param>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public IAsyncEnumerable<IReadOnlyList<(string ClassName, double Probability)>> ClassifyAsync(
        IAsyncEnumerable<RasterImage> images, int batchSize = ImageFiles.DefaultBatch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        return Stream(cancellationToken);

        async IAsyncEnumerable<IReadOnlyList<(string, double)>> Stream([EnumeratorCancellation] CancellationToken stop)
        {
            long first = 0;
            await foreach (var batch in images.Chunk(batchSize).WithCancellation(stop).ConfigureAwait(false))
            {
                stop.ThrowIfCancellationRequested();
                foreach (var ranked in await Task.Run(() => ClassifyBatch(batch, first), stop).ConfigureAwait(false)) yield return ranked;
                first += batch.Length;
            }
        }
    }

    /// <summary>The share of images whose most probable class is their own.</summary>
    /// <param name="images">N images.</param>
    /// <param name="labels">N column numbers.</param>
    /// <returns>Top-1 accuracy, 0 to 1.</returns>
    /// <exception cref="ArgumentException">The lists differ in length or are empty.</exception>
    public double Top1(IReadOnlyList<RasterImage> images, IReadOnlyList<int> labels)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        if (images.Count != labels.Count) throw new ArgumentException($"There are {images.Count} images and {labels.Count} labels.");
        return Probabilities(images).Zip(labels).Average(pair => Array.IndexOf(pair.First, pair.First.Max()) == pair.Second ? 1.0 : 0);
    }

    /// <summary>
    /// Writes the classifier as a safetensors file: its matrix, the names, the templates, and the fingerprint of the model that made it.
    /// </summary>
    /// <param name="path">The file; written under a temporary name first, then renamed.</param>
    /// <exception cref="ObjectDisposedException">The classifier or its encoder was disposed.</exception>
    public void Save(string path)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        new ClassifierFile(ClassNames, Templates, _weights, _neutral, _encoder.Fingerprint(), _encoder.SourceStamp).Write(path);
    }

    /// <summary>Reads what <see cref="Save"/> wrote; no caption is embedded.</summary>
    /// <param name="path">The file.</param>
    /// <param name="encoder">The model that made the classifier; the caller disposes it.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="CheckpointException">The file is damaged.</exception>
    /// <exception cref="InvalidDataException">The file is not a classifier, holds NaN, or another model made it.</exception>
    public static ZeroShotClassifier Load(string path, IClipEncoder encoder)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        return new ZeroShotClassifier(encoder, ClassifierFile.Read(path, encoder));
    }

    /// <summary>Later calls throw; calls in progress finish. The encoder is not disposed.</summary>
    public void Dispose() => _disposed = true;

    /// <summary>The mean of a class's unit vectors, normalised again (openai/CLIP, Prompt_Engineering_for_ImageNet.ipynb).</summary>
    private IEnumerable<float[]> Embed(string[] names) => _encoder
        .EmbedTexts([.. names.SelectMany(name => Templates.Select(template => PromptTemplates.Fill(template, name)))])  // C · T × (E)
        .Chunk(Templates.Count).Select(rows =>
        {
            double[] sum = [.. Enumerable.Range(0, rows[0].Length).Select(i => rows.Sum(row => (double)row[i]))];       // (E)
            double length = Math.Sqrt(sum.Sum(value => value * value));
            return sum.Select(value => (float)(value / length)).ToArray();
        });

    /// <summary>Classifies a part of a stream; a fault names an image by its place in the stream.</summary>
    private List<IReadOnlyList<(string ClassName, double Probability)>> ClassifyBatch(RasterImage[] images, long first)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        float[][] rows = _encoder.EmbedImages(images, [.. images.Select((_, i) => $"image {first + i + 1}")]);
        return [.. Probabilities(rows).Select(row => ClassNames.Zip(row).OrderByDescending(pair => pair.Second).ToArray())];
    }
}
