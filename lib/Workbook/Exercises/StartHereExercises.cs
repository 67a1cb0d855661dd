using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 00: from two vectors to an answer.</summary>
public static class StartHereExercises
{
    /// <summary>Two vectors, (E) and (E) → their cosine similarity, a scalar.</summary>
    public static Exercise<Func<Tensor, Tensor, Tensor>> CosineSimilarity { get; } = new()
    {
        Title = "Cosine similarity of two vectors",
        Reference = (a, b) => functional.cosine_similarity(a.unsqueeze(0), b.unsqueeze(0), 1).squeeze(),
        Cases =
        [
            new("two vectors of length 5 and 1", f => f(tensor(new[] { 3f, 4f }), tensor(new[] { 1f, 0f }))),
            new("two random vectors of shape (8)", f => f(Inputs.Normal(1, 8), Inputs.Normal(2, 8))),
            new("a vector and its opposite, of shape (8)", f => f(Inputs.Normal(1, 8), -Inputs.Normal(1, 8))),
        ],
        Mistakes =
        [
            new("dot product", (a, b) => a.dot(b), "That is the dot product: it grows with the lengths of the vectors. Divide it by both norms."),
            new("one norm only", (a, b) => a.dot(b) / a.norm(), "You divided by the length of the first vector only; the second one has a length too."),
            new("distance", (a, b) => 1 - (a.dot(b) / (a.norm() * b.norm())), "That is the cosine distance, 1 − cos: it is 0 for equal directions. The similarity is 1 for them."),
        ],
    };

    /// <summary>Logits, (N, M): images by captions → the best caption of each image, (N), int64.</summary>
    public static Exercise<Func<Tensor, Tensor>> BestCaption { get; } = new()
    {
        Title = "The best caption of each image",
        Reference = logits => logits.argmax(1),
        Cases =
        [
            new("logits of 3 images and 5 captions, (3, 5)", f => f(Inputs.Normal(3, 3, 5))),
            new("logits of 6 images and 2 captions, (6, 2)", f => f(Inputs.Normal(4, 6, 2))),
        ],
        Mistakes =
        [
            new("best image of each caption", logits => logits.argmax(0), "You looked down the columns: that is the best image of each caption. Rows are images; the captions lie along dimension 1."),
            new("one answer for all", logits => logits.argmax(), "Without a dimension, argmax flattens the matrix and gives one index for everything. Say along which dimension it is to look."),
            new("worst caption", logits => logits.argmin(1), "That is the caption that fits least: a larger logit is a better fit."),
            new("the value", logits => logits.amax([1]), "Those are the largest logits themselves; asked for is where they stand, the index of the caption."),
        ],
    };

    /// <summary>Logits, (N, M): images by captions → probabilities, (N, M), each row summing to 1.</summary>
    public static Exercise<Func<Tensor, Tensor>> Probabilities { get; } = new()
    {
        Title = "From logits to probabilities",
        Reference = logits => logits.softmax(1),
        Cases =
        [
            new("logits of 3 images and 5 captions, (3, 5)", f => f(3 * Inputs.Normal(5, 3, 5))),
            new("large logits, (2, 4), up to 400", f => f(100 * Inputs.Normal(6, 2, 4))),
        ],
        Mistakes =
        [
            new("over the images", logits => logits.softmax(0), "Your columns sum to 1, not your rows: the softmax has to run over the captions, dimension 1."),
            new("sigmoid", logits => logits.sigmoid(), "A sigmoid judges each pair by itself; here the captions compete, and a row sums to 1."),
            new("overflow", logits => logits.exp() / logits.exp().sum(1, keepdim: true), "Right on paper, but exp overflows float32 above 88. Use softmax, or take each row's largest value off first."),
            new("shares of the logits", logits => logits / logits.sum(1, keepdim: true), "Rows sum to 1, but logits may be negative: take their exponentials first."),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("00-start-here", [CosineSimilarity, BestCaption, Probabilities]);
}
