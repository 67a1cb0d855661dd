using System.Globalization;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Workbook.Plotting;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// A classifier made of words: the reader writes templates and class names, and all pictures are classified again. It computes with the
/// embedded model; its still form is the library's answer.
/// </summary>
public sealed class ClassifierByHand : Interactive
{
    private readonly string[] _classes, _names, _templates, _sources;
    private readonly int[] _labels, _answers;
    private readonly string _embeddings;
    private readonly long _width;
    private readonly ConfusionMatrix _confusion;

    /// <summary>Classifies the pictures.</summary>
    /// <param name="images">N pictures.</param>
    /// <param name="labels">For each the index of its class.</param>
    /// <param name="classes">C classes.</param>
    /// <param name="templates">Sentences with {} for the name; at least one.</param>
    /// <param name="names">
    /// The words for the classes that are filled into the templates at first; by default the classes themselves.
    /// </param>
    /// <exception cref="ArgumentException">The lists do not fit together.</exception>
    public ClassifierByHand(IReadOnlyList<RasterImage> images, IReadOnlyList<int> labels, IReadOnlyList<string> classes,
        IReadOnlyList<string> templates, IReadOnlyList<string>? names = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(classes);
        ArgumentNullException.ThrowIfNull(templates);
        names ??= classes;
        if (images.Count == 0 || images.Count != labels.Count || classes.Count < 2 || names.Count != classes.Count || templates.Count == 0
            || labels.Any(label => label < 0 || label >= classes.Count))
            throw new ArgumentException(
                $"There are {images.Count} pictures with {labels.Count} labels, {classes.Count} classes with {names.Count} names and "
                + $"{templates.Count} templates; a label for each picture, a name for each class and a template are needed.",
                nameof(labels));
        using var clip = InteractiveModel.Open();
        using var scope = NewDisposeScope();
        var features = clip.EncodeImages(images).cpu().to(float32);                         // (N, E)
        using var classifier = new ZeroShotClassifier(clip, names, templates);
        _answers = [.. classifier.Probabilities(features).argmax(1).data<long>().ToArray().Select(answer => (int)answer)];
        (_classes, _names, _templates, _labels) = ([.. classes], [.. names], [.. templates], [.. labels]);
        (_embeddings, _width, _sources) = (Halves(features), features.shape[1], [.. images.Select(image => Pictures.Shown(image, 48))]);
        _confusion = new(Counts(), classes, string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", templates)}: {Right:P1}"));
    }

    private protected override string Script => "classifier";

    private protected override bool NeedsModel => true;

    private protected override object Content => new { Classes = _classes, Names = _names, Templates = _templates, Sources = _sources,
        Labels = _labels, Answers = _answers, Width = _width, Embeddings = _embeddings };

    private double Right => _labels.Zip(_answers).Average(pair => pair.First == pair.Second ? 1.0 : 0);

    /// <inheritdoc/>
    public override string ToText() => _confusion.ToText();

    private protected override string Still() => _confusion.ToHtml();

    private int[][] Counts()
    {
        int[][] counts = [.. _classes.Select(_ => new int[_classes.Length])];
        foreach (var (label, answer) in _labels.Zip(_answers)) counts[label][answer]++;
        return counts;
    }
}
