using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// CLIP's loss (paper, section 2.3 and figure 3): each image must pick its caption among the batch's, and each caption its image; the two
/// cross-entropies are averaged. Natural logarithm; ln B where the model knows nothing.
/// </summary>
public static class ContrastiveLoss
{
    /// <summary>The loss of a matrix of logits.</summary>
    /// <param name="logitsPerImage">(B, B): rows are images, columns captions, pairs on the diagonal.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The matrix is not square.</exception>
    public static Tensor FromLogits(Tensor logitsPerImage)
    {
        ArgumentNullException.ThrowIfNull(logitsPerImage);
        if (logitsPerImage.dim() != 2 || logitsPerImage.shape[0] != logitsPerImage.shape[1])
            throw new ArgumentException($"The contrastive loss takes (B, B) logits, pairs on the diagonal; it was given {Shapes.Text(logitsPerImage)}.");
        using var scope = NewDisposeScope();
        var pair = arange(logitsPerImage.shape[0], device: logitsPerImage.device);              // (B)
        var imageToText = functional.cross_entropy(logitsPerImage, pair);
        var textToImage = functional.cross_entropy(logitsPerImage.t(), pair);
        return ((imageToText + textToImage) / 2).MoveToOuterDisposeScope();
    }

    /// <summary>The loss with the learned scale, a factor on the similarities, whose gradient flows.</summary>
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
        return FromLogits(Similarity(image, text) / temperature).MoveToOuterDisposeScope();
    }

    private static Tensor Similarity(Tensor image, Tensor text)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(text);
        if (image.dim() != 2 || !image.shape.AsSpan().SequenceEqual(text.shape))
            throw new ArgumentException($"The contrastive loss takes (B, E) images and as many captions; it was given {Shapes.Text(image)} and {Shapes.Text(text)}.");
        return image.mm(text.t());                                                              // (B, B)
    }
}
