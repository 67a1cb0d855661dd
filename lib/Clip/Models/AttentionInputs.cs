using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Models;

/// <summary>What attention takes besides its tokens.</summary>
/// <param name="Mask">Added to the attention scores, broadcast to (B, H, N, N): minus infinity where a token is masked out.</param>
/// <param name="Rotary">Rotates the queries and keys of the last tokens, the patches; tokens before them are not rotated.</param>
internal sealed record AttentionInputs(Tensor? Mask = null, RotaryTables? Rotary = null)
{
    /// <summary>The additive mask, minus infinity where a key is hidden and 0 elsewhere: (B, N), bool → (B, 1, 1, N).</summary>
    internal static Tensor Hide(Tensor isHidden, ScalarType dtype) =>
        zeros(isHidden.shape, dtype: dtype, device: isHidden.device).Where(isHidden, double.NegativeInfinity).view(isHidden.shape[0], 1,
            1, -1);
}
