using ClipNotebooks.Clip.Inference;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 07: one template, several of them, mean per-class recall, and better prompts.</summary>
public static class ZeroShotExercises
{
    private const int Width = 6;

    /// <summary>
    /// An encoder, which gives (N, E) for N captions and does not normalise; C class names; a template with the gap <c>{}</c> → the classifier's matrix, (C, E), rows of length 1.
    /// </summary>
    public static Exercise<Func<Func<string[], Tensor>, string[], string, Tensor>> Matrix { get; } = new()
    {
        Title = "The classifier of one template",
        Reference = (encode, names, template) => Unit(encode([.. names.Select(name => PromptTemplates.Fill(template, name))])),
        Cases =
        [
            new("3 names in \"a photo of a {}.\", (3, 6)", f => f(Encode, ["cat", "dog", "bird"], "a photo of a {}.")),
            new("2 names in \"{}, drawn\", (2, 6)", f => f(Encode, ["fish", "horse"], "{}, drawn")),
        ],
        Mistakes =
        [
            new("names alone", (encode, names, _) => Unit(encode(names)), "You embedded the names alone: put each into the template first, template.Replace(\"{}\", name)."),
            new("gap not filled", (encode, names, template) => Unit(encode([.. names.Select(name => template + name)])), "The gap is still in your captions: replace {} by the name, rather than adding the name to the template."),
            new("not normalised", (encode, names, template) => encode([.. names.Select(name => PromptTemplates.Fill(template, name))]),
                "Your rows are not of length 1: a product with them would be no cosine. The encoder of this exercise does not normalise."),
            new("columns normalised", (encode, names, template) => functional.normalize(encode([.. names.Select(name => PromptTemplates.Fill(template, name))]), p: 2, dim: 0),
                "You made the columns length 1: a class is a row, so normalise along the last dimension."),
            new("transposed", (encode, names, template) => Unit(encode([.. names.Select(name => PromptTemplates.Fill(template, name))])).t(), "A class is a row here, (C, E); yours are columns."),
        ],
    };

    /// <summary>Text features that are not normalised, (C, T, E): C classes in T templates → the ensemble's classifier, (C, E), rows of length 1.</summary>
    public static Exercise<Func<Tensor, Tensor>> Ensemble { get; } = new()
    {
        Title = "The ensemble in embedding space",
        Reference = features => Unit(Unit(features).mean([1])),
        Cases =
        [
            new("3 classes in 4 templates of different lengths, (3, 4, 5)", f => f(Inputs.Normal(71, 3, 4, 5) * tensor(new[] { 1f, 5, 20, 2 }).reshape(1, 4, 1))),
            new("2 classes in 3 templates, (2, 3, 8)", f => f(Inputs.Normal(72, 2, 3, 8))),
        ],
        Mistakes =
        [
            new("not normalised before", features => Unit(features.mean([1])), "You averaged features of different lengths: a long one outweighs the others. Make each length 1 first."),
            new("not normalised after", features => Unit(features).mean([1]), "The mean of unit vectors is shorter than 1, and the shorter the less the templates agree: classes would be judged by that. Normalise again."),
            new("normalised nowhere", features => features.mean([1]), "That is the bare mean: normalise each feature before it and the mean after it."),
            new("averaged over the classes", features => Unit(Unit(features).mean([0])), "You averaged over the classes, dimension 0: templates lie along dimension 1."),
            new("one template", features => Unit(features.select(1, 0)), "That is the first template alone: average over all of them."),
        ],
    };

    /// <summary>Labels and predictions, N class numbers each → the mean over the classes that occur among the labels of the share of their images that are predicted right, 0 to 1.</summary>
    public static Exercise<Func<int[], int[], double>> MeanRecall { get; } = new()
    {
        Title = "Mean per-class recall",
        Reference = (labels, predictions) => labels.Distinct().Average(c => Share(labels, predictions, i => labels[i] == c)),
        Cases =
        [
            new("8 images of class 0 and 2 of class 1", f => f([0, 0, 0, 0, 0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
            new("classes 0, 1 and 3; class 2 is answered but has no image", f => f([0, 0, 0, 1, 1, 3], [0, 2, 0, 1, 0, 3])),
            new("one class, all wrong", f => f([2, 2], [0, 1])),
        ],
        Mistakes =
        [
            new("accuracy", (labels, predictions) => Share(labels, predictions, _ => true), "That is plain accuracy, top-1: a class with many images counts for more in it. Take the share of each class first, then the mean of the shares."),
            new("precision", (labels, predictions) => predictions.Distinct().Average(c => Share(labels, predictions, i => predictions[i] == c)),
                "You divided by how often each class was answered: that is precision. Recall divides by how many images of the class there are."),
            new("classes without images", (labels, predictions) => labels.Distinct().Sum(c => Share(labels, predictions, i => labels[i] == c)) / (labels.Concat(predictions).Max() + 1),
                "A class that has no image has no recall: leave it out of the mean instead of counting it as 0."),
        ],
    };

    /// <summary>A label as a data set writes it → the captions that stand for it.</summary>
    public static PromptExercise Prompts { get; } = new();

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("07-zero-shot-classification", [Matrix, Ensemble, MeanRecall, Prompts]);

    /// <summary>Stands for a text encoder: every caption has a vector of its own, the same in every process, of no particular length.</summary>
    private static Tensor Encode(string[] captions) =>
        stack([.. captions.Select(caption => 3 * Inputs.Normal(caption.Aggregate(7UL, (hash, letter) => (hash * 31) + letter), Width))]);

    private static Tensor Unit(Tensor features) => functional.normalize(features, p: 2, dim: -1);

    private static double Share(int[] labels, int[] predictions, Func<int, bool> counts) =>
        Enumerable.Range(0, labels.Length).Where(counts).Select(i => labels[i] == predictions[i] ? 1.0 : 0).Average();
}
