using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// CLIP's loss (paper, section 2.3 and figure 3): each image must pick its caption among the batch's, and each caption its image; the two
/// cross-entropies are averaged. Natural logarithm; ln B at chance.
/// </summary>
public static class ContrastiveLoss
{
    /// <summary>The loss of a matrix of logits.</summary>
    /// <param name="logitsPerImage">(B, B): rows are images, columns captions, pairs on the diagonal.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The matrix is not square.</exception>
    public static Tensor FromLogits(Tensor logitsPerImage)
    {
        RequireSquare(logitsPerImage);
        using var scope = NewDisposeScope();
        var pair = Arithmetic.Count(0, logitsPerImage.shape[0], logitsPerImage.device);         // (B)
        var imageToText = functional.cross_entropy(logitsPerImage, pair);
        var textToImage = functional.cross_entropy(logitsPerImage.t(), pair);
        return imageToText.Plus(textToImage).Over(2).MoveToOuterDisposeScope();
    }

    /// <summary>The loss with the learned scale, a factor on the similarities, which gets a gradient.</summary>
    /// <param name="image">(B, E), rows of length 1.</param>
    /// <param name="text">(B, E), rows of length 1; row i belongs to row i of <paramref name="image"/>.</param>
    /// <param name="logitScale">A scalar, the logarithm of the factor.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor WithLogitScale(Tensor image, Tensor text, Tensor logitScale)
    {
        ArgumentNullException.ThrowIfNull(logitScale);
        using var scope = NewDisposeScope();
        return FromLogits(logitScale.exp() * Similarity(image, text)).MoveToOuterDisposeScope();
    }

    /// <summary>The loss with a fixed temperature, a divisor of the similarities.</summary>
    /// <param name="image">(B, E), rows of length 1.</param>
    /// <param name="text">(B, E), rows of length 1; row i belongs to row i of <paramref name="image"/>.</param>
    /// <param name="temperature">τ, above 0; the paper starts at 0.07.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit, or τ is not above 0.</exception>
    public static Tensor WithTemperature(Tensor image, Tensor text, double temperature = 0.07)
    {
        if (!(temperature > 0)) throw new ArgumentException($"The temperature is {temperature}; it must be above 0.", nameof(temperature));
        using var scope = NewDisposeScope();
        return FromLogits(Similarity(image, text).Over(temperature)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The same value and gradients as <see cref="WithLogitScale"/>, with two (chunk, B) matrices of logits in memory at a time instead of
    /// one (B, B), in the backward pass too: so a large batch fits.
    /// </summary>
    /// <param name="image">(B, E), rows of length 1.</param>
    /// <param name="text">(B, E), rows of length 1; row i belongs to row i of <paramref name="image"/>.</param>
    /// <param name="logitScale">A scalar, the logarithm of the factor.</param>
    /// <param name="chunk">The number of rows at a time, at least 1.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit, or the chunk is below 1.</exception>
    public static Tensor Chunked(Tensor image, Tensor text, Tensor logitScale, int chunk)
    {
        ArgumentNullException.ThrowIfNull(logitScale);
        RequirePairs(image, text);
        return ChunkedLoss.Of([image, text, logitScale], image.shape[0], chunk, (x, start, length) =>
        {
            var pair = Arithmetic.Count(start, length, image.device);                           // (chunk)
            var perImage = x[2].exp() * x[0].narrow(0, start, length).mm(x[1].t());             // (chunk, B)
            var perText = x[2].exp() * x[1].narrow(0, start, length).mm(x[0].t());              // (chunk, B)
            return functional.cross_entropy(perImage, pair, reduction: Reduction.Sum)
                .Plus(functional.cross_entropy(perText, pair, reduction: Reduction.Sum)).Over(2);
        });
    }

    internal static void RequireSquare(Tensor logitsPerImage)
    {
        ArgumentNullException.ThrowIfNull(logitsPerImage);
        if (logitsPerImage.dim() != 2 || logitsPerImage.shape[0] != logitsPerImage.shape[1])
            throw new ArgumentException(
                $"The loss takes (B, B) logits, pairs on the diagonal; it was given {Shapes.Text(logitsPerImage)}.");
    }

    internal static void RequirePairs(Tensor image, Tensor text)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(text);
        if (image.dim() != 2 || image.shape[0] < 1 || !image.shape.AsSpan().SequenceEqual(text.shape))
            throw new ArgumentException($"The loss takes (B, E) images and as many captions; it was given {Shapes.Text(image)} and " +
                $"{Shapes.Text(text)}.");
    }

    private static Tensor Similarity(Tensor image, Tensor text)
    {
        RequirePairs(image, text);
        return image.mm(text.t());                                                              // (B, B)
    }
}
