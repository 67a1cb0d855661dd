namespace ClipNotebooks.Clip.Export;

/// <summary>What attention takes besides its tokens (<see cref="Models.AttentionInputs"/> in a graph).</summary>
/// <param name="Mask">Added to the scores, broadcast to (B, H, N, N): far below 0 where a token is masked out.</param>
/// <param name="Rotary">The rotary position embedding of queries and keys.</param>
internal sealed record BlockInputs(OnnxValue? Mask = null, RotaryWriter? Rotary = null)
{
    internal static BlockInputs None { get; } = new();
}
