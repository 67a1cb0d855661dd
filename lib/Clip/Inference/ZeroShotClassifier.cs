using ClipNotebooks.Clip.Images;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <summary>
/// Classifies images by the names of classes it was never trained on (paper, section 3.1.2): the embedding of each class's captions is
/// a row of a linear classifier, computed once. With several templates a row is the normalised mean of their embeddings (section 3.1.4).
/// Thread-safe.
/// </summary>
public sealed class ZeroShotClassifier : IDisposable
{
    private readonly ClipEncoder _encoder;
    private readonly Tensor _weights;

    /// <summary>Embeds every class name in every template.</summary>
    /// <param name="encoder">The model; stays the caller's.</param>
    /// <param name="classNames">C names, all different.</param>
    /// <param name="templates">Sentences with a gap <c>{}</c>; "a photo of a {}." by default.</param>
    /// <exception cref="ArgumentException">There is no class, a name is repeated or empty, or a template has no gap.</exception>
    public ZeroShotClassifier(ClipEncoder encoder, IReadOnlyList<string> classNames, IReadOnlyList<string>? templates = null)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(classNames);
        templates ??= PromptTemplates.Photo;
        if (classNames.Count == 0) throw new ArgumentException("There is no class to choose from: the list of names is empty.", nameof(classNames));
        if (templates.Count == 0) throw new ArgumentException("There is no template: the list is empty.", nameof(templates));
        if (classNames.FirstOrDefault(string.IsNullOrWhiteSpace) is { } empty)
            throw new ArgumentException($"A class name is empty (\"{empty}\").", nameof(classNames));
        if (classNames.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } repeated)
            throw new ArgumentException($"The class \"{repeated.Key}\" is named {repeated.Count()} times.", nameof(classNames));

        _encoder = encoder;
        ClassNames = classNames;
        using var scope = NewDisposeScope();
        var captions = classNames.SelectMany(name => templates.Select(template => PromptTemplates.Fill(template, name))).ToList();
        var embeddings = encoder.EncodeTexts(captions).reshape(classNames.Count, templates.Count, -1);              // (C, T, E)
        _weights = nn.functional.normalize(embeddings.mean([1]), p: 2, dim: -1).DetachFromDisposeScope();           // (C, E)
    }

    /// <summary>The C class names, in the order of the columns.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>The probability of every class for every image.</summary>
    /// <returns>(N, C), float32, rows sum to 1; the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    public Tensor Probabilities(IReadOnlyList<RgbImage> images)
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        var logits = _encoder.Scale * _encoder.EncodeImages(images).mm(_weights.T);   // (N, C)
        return logits.softmax(1).MoveToOuterDisposeScope();
    }

    /// <summary>The classes of one image, the most probable first.</summary>
    public IReadOnlyList<(string ClassName, double Probability)> Classify(RgbImage image)
    {
        using var probabilities = Probabilities([image]);
        return [.. ClassNames.Zip(probabilities.data<float>(), (name, p) => (name, (double)p)).OrderByDescending(pair => pair.Item2)];
    }

    /// <summary>The share of images whose most probable class is their own.</summary>
    /// <param name="images">N images.</param>
    /// <param name="labels">N column numbers.</param>
    /// <returns>Top-1 accuracy, 0 to 1.</returns>
    /// <exception cref="ArgumentException">The lists differ in length or are empty.</exception>
    public double Top1(IReadOnlyList<RgbImage> images, IReadOnlyList<int> labels)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        if (images.Count != labels.Count) throw new ArgumentException($"There are {images.Count} images and {labels.Count} labels.");
        using var probabilities = Probabilities(images);
        using var best = probabilities.argmax(1);
        return best.data<long>().Zip(labels).Count(pair => pair.First == pair.Second) / (double)images.Count;
    }

    /// <summary>Frees the classifier's weights; the encoder stays.</summary>
    public void Dispose() => _weights.Dispose();
}
