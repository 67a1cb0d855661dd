using System.Runtime.CompilerServices;
using System.Text.Json;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <summary>
/// Classifies images by the names of classes it was never trained on (paper, section 3.1.2): the embedding of each class's captions is
/// a row of a linear classifier, computed once. With several templates a row is the normalised mean of their embeddings (section 3.1.4).
/// Thread-safe: disposed while other threads classify, it frees its weights once they have ended.
/// </summary>
public sealed class ZeroShotClassifier : IDisposable
{
    /// <summary>Captions embedded before their means are taken: bounds the memory of many classes times many templates.</summary>
    private const int CaptionsAtOnce = 1024;

    private const string Format = "clip-notebooks-classifier-1";

    private readonly ClipEncoder _encoder;
    private readonly Tensor _weights;
    private readonly Tensor? _neutral;
    private readonly UseGate _gate;

    /// <summary>Embeds every class name in every template.</summary>
    /// <param name="encoder">The model; stays the caller's.</param>
    /// <param name="classNames">C names, all different.</param>
    /// <param name="templates">Sentences with a gap <c>{}</c>; "a photo of a {}." by default.</param>
    /// <param name="multiLabel">
    /// False: the classes exclude each other, and their probabilities, a softmax, sum to 1. True: an image may show several or none; each
    /// class has a probability of its own, the sigmoid of how much better its captions fit than those with <paramref name="neutral"/> in
    /// the gap. A model that was trained with a sigmoid for each pair (SigLIP) says of itself how likely a class is; it is asked in both
    /// cases.
    /// </param>
    /// <param name="neutral">A name that says nothing; only used with <paramref name="multiLabel"/>.</param>
    /// <exception cref="ArgumentException">There is no class, a name is repeated or empty, or a template has no gap.</exception>
    public ZeroShotClassifier(
        ClipEncoder encoder, IReadOnlyList<string> classNames, IReadOnlyList<string>? templates = null, bool multiLabel = false,
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
        using var scope = NewDisposeScope();
        var rows = ClassNames.Chunk(Math.Max(1, CaptionsAtOnce / Templates.Count)).Select(names => Embed(encoder, names, Templates))
            .ToList();
        _weights = cat(rows, 0).DetachFromDisposeScope();                                                                     // (C, E)
        if (multiLabel) _neutral = Embed(encoder, [neutral], Templates).DetachFromDisposeScope();                             // (1, E)
        _gate = new UseGate(this, Free);
    }

    private ZeroShotClassifier(ClipEncoder encoder, IReadOnlyList<string> classNames, IReadOnlyList<string> templates, Tensor weights,
        Tensor? neutral) =>
        (_encoder, ClassNames, Templates, _weights, _neutral, _gate) =
        (encoder, classNames, templates, weights, neutral, new UseGate(this, Free));

    /// <summary>The C class names, in the order of the columns.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>The sentences in which each name was embedded.</summary>
    public IReadOnlyList<string> Templates { get; }

    /// <summary>Whether an image may have several classes, or none.</summary>
    public bool MultiLabel => _neutral is not null;

    /// <summary>
    /// Whether each class's probability stands by itself, whatever the other classes are: where <see cref="MultiLabel"/> is asked for, and
    /// of a model that was trained with a sigmoid for each pair (<see cref="ClipEncoder.IsSigmoid"/>). Rows then need not sum to 1.
    /// </summary>
    public bool IsIndependent => MultiLabel || _encoder.IsSigmoid;

    /// <summary>The probability of every class for every image.</summary>
    /// <returns>(N, C), float32, 0 to 1; rows sum to 1 unless <see cref="IsIndependent"/>. The caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    /// <exception cref="ObjectDisposedException">The classifier or its encoder was disposed.</exception>
    public Tensor Probabilities(IReadOnlyList<RasterImage> images)
    {
        using var use = _gate.Enter();
        using var embeddings = _encoder.EncodeImages(images);
        return Weigh(embeddings);
    }

    /// <summary>The same for images that are embedded already.</summary>
    /// <param name="embeddings">
    /// (N, E), float32, on the CPU, rows of length 1, as <see cref="ClipEncoder.EncodeImages"/> gives them.
    /// </param>
    /// <returns>(N, C), float32, 0 to 1; rows sum to 1 unless <see cref="IsIndependent"/>. The caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The embeddings have another width, or are not finite.</exception>
    /// <exception cref="ObjectDisposedException">The classifier or its encoder was disposed.</exception>
    public Tensor Probabilities(Tensor embeddings)
    {
        ArgumentNullException.ThrowIfNull(embeddings);
        using var use = _gate.Enter();
        return Weigh(embeddings);
    }

    private Tensor Weigh(Tensor embeddings)
    {
        if (embeddings.dim() != 2 || embeddings.shape[1] != _weights.shape[1])
            throw new ArgumentException($"The embeddings are ({string.Join(", ", embeddings.shape)}); (N, {_weights.shape[1]}) is needed.",
                nameof(embeddings));
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        if (!embeddings.isfinite().all().ToBoolean())
            throw new ArgumentException("An embedding holds NaN or infinity.", nameof(embeddings));
        var similarity = embeddings.mm(_weights.T);                                                                           // (N, C)
        var probabilities = _neutral is null || _encoder.IsSigmoid
            ? _encoder.Probabilities(similarity.Times(_encoder.Scale).Plus(_encoder.Bias))
            : similarity.Minus(embeddings.mm(_neutral.T)).Times(_encoder.Scale).sigmoid();                                      // (N, C)
        return probabilities.MoveToOuterDisposeScope();
    }

    /// <summary>The classes of one image, the most probable first.</summary>
    public IReadOnlyList<(string ClassName, double Probability)> Classify(RasterImage image) => ClassifyBatch([image])[0];

    /// <summary>
    /// Classifies a stream of images, a batch at a time: no more than a batch is held, and answers come as soon as their batch is done.
    /// </summary>
    /// <param name="images">Read as far as the answers are.</param>
    /// <param name="batchSize">Images encoded at once, at least 1.</param>
    /// <returns>For each image, in order, its classes, the most probable first.</returns>
    public IEnumerable<IReadOnlyList<(string ClassName, double Probability)>> Classify(
        IEnumerable<RasterImage> images, int batchSize = ClipEncoder.DefaultBatch)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        return images.Chunk(batchSize).SelectMany(ClassifyBatch);
    }

    /// <summary>The same for images that arrive asynchronously; the model runs on the thread pool.</summary>
    /// <inheritdoc cref="Classify(IEnumerable{RasterImage}, int)"/>
    /// <param name="images">Read as far as the answers are.</param>
    /// <param name="batchSize">Images encoded at once, at least 1.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was triggered.</exception>
    public IAsyncEnumerable<IReadOnlyList<(string ClassName, double Probability)>> ClassifyAsync(
        IAsyncEnumerable<RasterImage> images, int batchSize = ClipEncoder.DefaultBatch, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        return Stream(cancellation);

        async IAsyncEnumerable<IReadOnlyList<(string, double)>> Stream([EnumeratorCancellation] CancellationToken stop)
        {
            await foreach (var batch in images.Chunk(batchSize).WithCancellation(stop).ConfigureAwait(false))
            {
                stop.ThrowIfCancellationRequested();
                foreach (var ranked in await Task.Run(() => ClassifyBatch(batch), stop).ConfigureAwait(false)) yield return ranked;
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
        using var probabilities = Probabilities(images);
        using var best = probabilities.argmax(1);
        return best.data<long>().Zip(labels).Count(pair => pair.First == pair.Second) / (double)images.Count;
    }

    /// <summary>
    /// Writes the classifier as a safetensors file: its matrix, the names, the templates, and the fingerprint of the model that made it.
    /// </summary>
    /// <param name="path">Written beside its place first and then renamed.</param>
    /// <exception cref="ObjectDisposedException">The classifier or its encoder was disposed.</exception>
    public void Save(string path)
    {
        using var use = _gate.Enter();
        var tensors = new Dictionary<string, Tensor> { ["weights"] = _weights };
        if (_neutral is not null) tensors["neutral"] = _neutral;
        SafetensorsFile.Write(path, tensors, new Dictionary<string, string>
        {
            ["format"] = Format,
            ["class_names"] = JsonSerializer.Serialize(ClassNames),
            ["templates"] = JsonSerializer.Serialize(Templates),
            ["model"] = ModelFingerprint.Of(_encoder),
        });
    }

    /// <summary>Reads what <see cref="Save"/> wrote; no caption is embedded.</summary>
    /// <param name="path">The file.</param>
    /// <param name="encoder">The model that made it; stays the caller's.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="CheckpointException">The file is damaged.</exception>
    /// <exception cref="InvalidDataException">The file is not a classifier, holds NaN, or another model made it.</exception>
    public static ZeroShotClassifier Load(string path, ClipEncoder encoder)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        using var file = SafetensorsFile.Open(path);
        if (file.Metadata.GetValueOrDefault("format") != Format)
            throw new InvalidDataException($"{path} is not a saved classifier: its header lacks \"format\": \"{Format}\".");
        if (file.Metadata.GetValueOrDefault("model") is var made && ModelFingerprint.Of(encoder) is var given && made != given)
            throw new InvalidDataException($"{path} was made by another model: its fingerprint is {made}, this model's {given}. Open the " +
                $"model that made it, or make the classifier anew.");
        var names = Strings("class_names");
        using var scope = NewDisposeScope();
        var weights = file.Read("weights");
        var neutral = file.Contains("neutral") ? file.Read("neutral") : null;
        int width = encoder.Model.Config.EmbeddingWidth;
        if (!weights.shape.AsSpan().SequenceEqual([names.Length, width]))
            throw new InvalidDataException($"{path} names {names.Length} classes, and its \"weights\" are " +
                $"({string.Join(", ", weights.shape)}); ({names.Length}, {width}) is needed.");
        if (neutral is not null && !neutral.shape.AsSpan().SequenceEqual([1, width]))
            throw new InvalidDataException($"{path}: its \"neutral\" is ({string.Join(", ", neutral.shape)}); (1, {width}) is needed.");
        if (!weights.isfinite().all().ToBoolean() || neutral is not null && !neutral.isfinite().all().ToBoolean())
            throw new InvalidDataException($"{path} holds NaN or infinity: make the classifier anew.");
        return new ZeroShotClassifier(encoder, names, Strings("templates"), weights.DetachFromDisposeScope(),
            neutral?.DetachFromDisposeScope());

        string[] Strings(string key)
        {
            try
            {
                return JsonSerializer.Deserialize<string[]>(file.Metadata.GetValueOrDefault(key) ?? "null")
                    ?? throw new InvalidDataException($"{path} lacks \"{key}\" in its header.");
            }
            catch (JsonException exception)
            {
                throw new InvalidDataException($"{path}: \"{key}\" in its header is not a list of strings.", exception);
            }
        }
    }

    /// <summary>Frees the classifier's weights, once the calls under way have ended; the encoder stays.</summary>
    public void Dispose() => _gate.Close();

    private void Free()
    {
        _weights.Dispose();
        _neutral?.Dispose();
    }

    /// <summary>
    /// The mean of a class's unit vectors, made a unit vector again (openai/CLIP, Prompt_Engineering_for_ImageNet.ipynb).
    /// </summary>
    private static Tensor Embed(ClipEncoder encoder, string[] names, IReadOnlyList<string> templates)
    {
        using var scope = NewDisposeScope();
        var captions = names.SelectMany(name => templates.Select(template => PromptTemplates.Fill(template, name))).ToList();
        var embeddings = encoder.EncodeTexts(captions).reshape(names.Length, templates.Count, -1);                             // (C, T, E)
        return nn.functional.normalize(embeddings.mean([1]), p: 2, dim: -1).MoveToOuterDisposeScope();                        // (C, E)
    }

    private List<IReadOnlyList<(string ClassName, double Probability)>> ClassifyBatch(IReadOnlyList<RasterImage> images)
    {
        using var probabilities = Probabilities(images);
        var values = probabilities.data<float>().ToArray();
        int classes = ClassNames.Count;
        return [.. Enumerable.Range(0, images.Count).Select(i => ClassNames.Select((name, c) => (name, (double)values[i * classes + c]))
            .OrderByDescending(pair => pair.Item2).ToArray())];
    }
}
