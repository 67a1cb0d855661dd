namespace ClipNotebooks.Clip.Export;

/// <summary>What attention needs besides its tokens (<see cref="Models.AttentionInputs"/> in a graph).</summary>
/// <param name="Mask">Added to the scores, broadcast to (B, H, N, N): far below 0 where a token is not to be seen.</param>
/// <param name="Rotary">How queries and keys turn.</param>
internal sealed record BlockInputs(OnnxValue? Mask = null, RotaryWriter? Rotary = null)
{
    internal static BlockInputs None { get; } = new();
}
