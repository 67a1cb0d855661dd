using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// Computes a loss that is a sum over rows in a bounded amount of memory: each chunk's gradient is computed at once and its logits are
/// freed. The result is the loss with those gradients attached, for one backward pass, as with any loss.
/// </summary>
internal static class ChunkedLoss
{
    /// <param name="inputs">What the loss depends on.</param>
    /// <param name="rows">B; the sum is divided by it.</param>
    /// <param name="chunk">The number of rows at a time.</param>
    /// <param name="part">The sum over <c>length</c> rows from <c>start</c>, as a function of the inputs.</param>
    internal static Tensor Of(Tensor[] inputs, long rows, int chunk, Func<Tensor[], long, long, Tensor> part)
    {
        if (chunk < 1) throw new ArgumentException($"The chunk is {chunk}; it must be at least 1.", nameof(chunk));
        using var scope = NewDisposeScope();
        Tensor[] leaves = [.. inputs.Select(x => x.detach().requires_grad_(is_grad_enabled() && x.requires_grad))];
        var total = zeros([], dtype: inputs[0].dtype, device: inputs[0].device);
        for (long start = 0; start < rows; start += chunk)
        {
            using var inner = NewDisposeScope();
            var value = part(leaves, start, Math.Min(chunk, rows - start)).Over(rows);
            if (value.requires_grad) value.backward();
            total.Accumulate(value.detach());
        }

        // x · gradient has the wanted gradient; subtracting its detached value leaves the value of the total unchanged.
        foreach (var (input, leaf) in inputs.Zip(leaves).Where(pair => pair.Second.requires_grad))
        {
            var linear = (input * leaf.grad!).sum();
            total = total.Plus(linear.Minus(linear.detach()));
        }
        return total.MoveToOuterDisposeScope();
    }
}
