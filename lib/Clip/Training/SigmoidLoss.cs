using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// SigLIP's loss (Zhai et al. 2023, equation 1): every image and caption of the batch is one yes-or-no question, yes on the diagonal. No
/// row or column is normalised, so the matrix can be split into any chunks. The sum over all questions is divided by B, not B².
/// </summary>
public static class SigmoidLoss
{
    /// <summary>The loss of a matrix of logits.</summary>
    /// <param name="logitsPerImage">(B, B): rows are images, columns captions, pairs on the diagonal.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The matrix is not square.</exception>
    public static Tensor FromLogits(Tensor logitsPerImage)
    {
        ContrastiveLoss.RequireSquare(logitsPerImage);
        using var scope = NewDisposeScope();
        long B = logitsPerImage.shape[0];
        var sign = eye(B, dtype: logitsPerImage.dtype, device: logitsPerImage.device).Times(2).Plus(-1); // (B, B)
        return functional.logsigmoid(sign * logitsPerImage).sum().Over(-B).MoveToOuterDisposeScope();
    }

    /// <summary>The loss with the learned scale and bias, which get gradients.</summary>
    /// <param name="image">(B, E), rows of length 1.</param>
    /// <param name="text">(B, E), rows of length 1; row i belongs to row i of <paramref name="image"/>.</param>
    /// <param name="logitScale">A scalar, the logarithm of the factor (SigLIP starts at ln 10).</param>
    /// <param name="logitBias">A scalar, added to every logit (SigLIP starts at −10).</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor WithLogitScale(Tensor image, Tensor text, Tensor logitScale, Tensor logitBias)
    {
        ArgumentNullException.ThrowIfNull(logitScale);
        ArgumentNullException.ThrowIfNull(logitBias);
        ContrastiveLoss.RequirePairs(image, text);
        using var scope = NewDisposeScope();
        return FromLogits((logitScale.exp() * image.mm(text.t())).Plus(logitBias)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The same value and gradients as <see cref="WithLogitScale"/>, with (chunk, B) logits in memory at a time instead of (B, B), in the
    /// backward pass too.
    /// </summary>
    /// <param name="image">(B, E), rows of length 1.</param>
    /// <param name="text">(B, E), rows of length 1; row i belongs to row i of <paramref name="image"/>.</param>
    /// <param name="logitScale">A scalar, the logarithm of the factor.</param>
    /// <param name="logitBias">A scalar, added to every logit.</param>
    /// <param name="chunk">The number of images at a time, at least 1.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit, or the chunk is below 1.</exception>
    public static Tensor Chunked(Tensor image, Tensor text, Tensor logitScale, Tensor logitBias, int chunk)
    {
        ArgumentNullException.ThrowIfNull(logitScale);
        ArgumentNullException.ThrowIfNull(logitBias);
        ContrastiveLoss.RequirePairs(image, text);
        return ChunkedLoss.Of([image, text, logitScale, logitBias], image.shape[0], chunk, (x, start, length) =>
        {
            var logits = (x[2].exp() * x[0].narrow(0, start, length).mm(x[1].t())).Plus(x[3]);  // (chunk, B)
            var pair = Arithmetic.Count(start, length, logits.device).unsqueeze(1);             // (chunk, 1)
            var sign = zeros_like(logits).scatter(1, pair, ones_like(logits)).Times(2).Plus(-1).detach();
            return -functional.logsigmoid(sign * logits).sum();
        });
    }
}
