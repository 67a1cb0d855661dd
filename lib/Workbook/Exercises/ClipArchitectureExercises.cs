using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 01: the three steps after the encoders.</summary>
public static class ClipArchitectureExercises
{
    /// <summary>Features, (B, D), and a projection, (D, E) → embeddings, (B, E), each row of length 1.</summary>
    public static Exercise<Func<Tensor, Tensor, Tensor>> Embed { get; } = new()
    {
        Title = "Project and normalise",
        Reference = (features, projection) => functional.normalize(features.mm(projection), p: 2, dim: -1),
        Cases =
        [
            new("features (4, 6) and a projection (6, 3)", f => f(Inputs.Normal(11, 4, 6), Inputs.Normal(12, 6, 3))),
            new("one image's features (1, 5) and a projection (5, 5)", f => f(Inputs.Normal(13, 1, 5), Inputs.Normal(14, 5, 5))),
        ],
        Mistakes =
        [
            new("not normalised", (features, projection) => features.mm(projection), "Your rows are not of length 1: divide each by its own norm after the projection."),
            new("normalised over the batch", (features, projection) => functional.normalize(features.mm(projection), p: 2, dim: 0), "You normalised down the columns, so that an image's embedding depends on the other images of its batch. The length to divide by is each row's: dim: -1."),
            new("normalised too early", (features, projection) => functional.normalize(features, p: 2, dim: -1).mm(projection), "You normalised the features; the projection then stretches them again. Project first."),
            new("one norm for all", (features, projection) => features.mm(projection) / features.mm(projection).norm(), "You divided by the norm of the whole matrix. Each row has a norm of its own: norm(1, keepdim: true)."),
        ],
    };

    /// <summary>Embeddings, (N, E) and (M, E), rows of length 1, and the logarithm of the scale → logits per image, (N, M).</summary>
    public static Exercise<Func<Tensor, Tensor, Tensor, Tensor>> Logits { get; } = new()
    {
        Title = "Logits from embeddings",
        Reference = (image, text, logScale) => logScale.exp() * image.mm(text.t()),
        Cases =
        [
            new("4 images and 6 captions, (4, 8) and (6, 8), at the first temperature", f => f(Inputs.Unit(15, 4, 8), Inputs.Unit(16, 6, 8), tensor(2.6593f))),
            new("5 images and 5 captions, (5, 8) and (5, 8), at the last temperature", f => f(Inputs.Unit(17, 5, 8), Inputs.Unit(18, 5, 8), tensor(4.6052f))),
        ],
        Mistakes =
        [
            new("no exponential", (image, text, logScale) => logScale * image.mm(text.t()), "The parameter is the logarithm of the scale: take its exponential, so that the factor can never become negative."),
            new("scale as a divisor", (image, text, logScale) => image.mm(text.t()) / logScale.exp(), "exp(logit_scale) is a factor, 1 / τ. Dividing by it makes the logits about 200 times too small: the slip in the document's train_step."),
            new("per text", (image, text, logScale) => logScale.exp() * text.mm(image.t()), "Those are the logits per text: rows are captions. Per image is the transpose."),
            new("no scale", (image, text, logScale) => image.mm(text.t()), "Those are the cosine similarities, between −1 and 1: a softmax over them is nearly flat. Multiply by the scale."),
        ],
    };

    /// <summary>The learned parameter ln(1 / τ) → the temperature τ.</summary>
    public static Exercise<Func<double, double>> Temperature { get; } = new()
    {
        Title = "Temperature from the learned parameter",
        Reference = logScale => Math.Exp(-logScale),
        Cases =
        [
            new("ln(1 / 0.07), where training starts", f => f(Math.Log(1 / 0.07))),
            new("ln(100), where the scale is clamped", f => f(Math.Log(100))),
            new("0, the logarithm of 1", f => f(0)),
        ],
        Mistakes =
        [
            new("the scale", Math.Exp, "That is the scale, 1 / τ: what the similarities are multiplied by. The temperature is its inverse."),
            new("inverse of the logarithm", logScale => 1 / logScale, "You inverted the logarithm. First exp, then the inverse."),
            new("the logarithm of τ", logScale => -logScale, "That is ln τ. One exponential is missing."),
        ],
    };

    /// <summary>Widths of the two encoders and of the shared space → the parameters that <c>SimpleCLIP</c> adds to its encoders.</summary>
    public static Exercise<Func<long, long, long, long>> HeadParameters { get; } = new()
    {
        Title = "What SimpleCLIP adds to its encoders",
        Reference = (visionWidth, textWidth, embeddingWidth) => ((visionWidth + textWidth) * embeddingWidth) + 1,
        Cases =
        [
            new("ViT-B/32: widths 768 and 512, shared space 512", f => f(768, 512, 512)),
            new("ViT-L/14: widths 1024 and 768, shared space 768", f => f(1024, 768, 768)),
        ],
        Tolerance = 1e-9,
        Mistakes =
        [
            new("no temperature", (v, t, e) => (v + t) * e, "One is missing: the temperature is a parameter too."),
            new("with biases", (v, t, e) => ((v + 1) * e) + ((t + 1) * e) + 1, "You counted biases; both projections are made with bias: false."),
            new("one projection", (v, t, e) => (v * e) + 1, "You counted the image projection only; captions are projected too."),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("01-clip-architecture", [Embed, Logits, Temperature, HeadParameters]);
}
