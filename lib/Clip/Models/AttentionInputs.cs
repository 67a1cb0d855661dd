using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Models;

/// <summary>What attention needs besides its tokens.</summary>
/// <param name="Mask">Added to the scores, broadcast to (B, H, N, N): minus infinity where a token is not to be seen.</param>
/// <param name="Rotary">How the last tokens' queries and keys turn; those before them do not.</param>
internal sealed record AttentionInputs(Tensor? Mask = null, RotaryTables? Rotary = null)
{
    /// <summary>Minus infinity where a key is not to be seen, 0 elsewhere: (B, N) → (B, 1, 1, N).</summary>
    internal static Tensor Hide(Tensor isHidden, ScalarType dtype) =>
        zeros(isHidden.shape, dtype: dtype, device: isHidden.device).Where(isHidden, double.NegativeInfinity).view(isHidden.shape[0], 1,
            1, -1);
}
