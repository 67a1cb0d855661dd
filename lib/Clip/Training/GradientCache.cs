using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// Computes the gradient of a whole batch in the memory of a part of it (Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size
/// under Memory Limited Setup"). The loss needs all embeddings of a batch, but not what lies between pixels and embeddings: the towers run
/// over chunks without a gradient, the loss gives each embedding its gradient, and the towers run again, chunk by chunk, to carry it back
/// to the weights. Two forwards instead of one, and a batch of any size.
/// </summary>
internal static class GradientCache
{
    /// <summary>Adds the batch's gradient to that of the parameters, as <c>loss.backward()</c> would.</summary>
    /// <param name="towers">Makes the embeddings; no layer may depend on other rows of the batch.</param>
    /// <param name="pixels">(B, 3, R, R).</param>
    /// <param name="ids">(B, L), int64.</param>
    /// <param name="logitScale">A scalar, the logarithm of the factor; it gets its gradient too.</param>
    /// <param name="dtype">The towers' element type; each chunk's pixels are converted by themselves.</param>
    /// <param name="chunk">The number of pairs at a time, at least 1.</param>
    /// <returns>The loss of the whole batch, a scalar without a gradient.</returns>
    internal static Tensor Backward(ClipModel towers, Tensor pixels, Tensor ids, Tensor logitScale, ScalarType dtype, int chunk)
    {
        using var scope = NewDisposeScope();
        var image = Embed(EncodeImage, pixels, chunk);                            // (B, E)
        var text = Embed(towers.EncodeText, ids, chunk);                          // (B, E)
        var loss = ContrastiveLoss.Chunked(image, text, logitScale, chunk);
        loss.backward();
        CarryOn(EncodeImage, pixels, image.grad!, chunk);
        CarryOn(towers.EncodeText, ids, text.grad!, chunk);
        return loss.detach().MoveToOuterDisposeScope();

        Tensor EncodeImage(Tensor part) => towers.EncodeImage(part.to(dtype));
    }

    /// <summary>A tower's embeddings, (B, E), float32, rows of length 1.</summary>
    internal static Tensor Unit(Tensor embeddings)
    {
        using var scope = NewDisposeScope();
        return functional.normalize(embeddings.to(float32), p: 2, dim: -1).MoveToOuterDisposeScope();
    }

    private static Tensor Embed(Func<Tensor, Tensor> tower, Tensor inputs, int chunk)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        List<Tensor> parts = [];
        foreach (var (start, length) in Chunks(inputs.shape[0], chunk))
        {
            using var inner = NewDisposeScope();
            parts.Add(Unit(tower(inputs.narrow(0, start, length))).MoveToOuterDisposeScope());
        }
        return cat(parts, 0).requires_grad_().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Backpropagates the embeddings' gradient to the weights, by a sum whose gradient for each embedding is the given one.
    /// </summary>
    private static void CarryOn(Func<Tensor, Tensor> tower, Tensor inputs, Tensor gradient, int chunk)
    {
        foreach (var (start, length) in Chunks(inputs.shape[0], chunk))
        {
            using var inner = NewDisposeScope();
            (Unit(tower(inputs.narrow(0, start, length))) * gradient.narrow(0, start, length)).sum().backward();
        }
    }

    private static IEnumerable<(long Start, long Length)> Chunks(long rows, int chunk)
    {
        for (long start = 0; start < rows; start += chunk) yield return (start, Math.Min(chunk, rows - start));
    }
}
