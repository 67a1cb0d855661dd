namespace ClipNotebooks.Clip.Export;

/// <summary>A tower's outputs.</summary>
/// <param name="Embeds">(B, E), not normalised.</param>
/// <param name="Hidden">
/// The tokens after the last block, (B, N, D), as transformers' <c>last_hidden_state</c>; null for a convolutional tower.
/// </param>
internal sealed record TowerValues(OnnxValue Embeds, OnnxValue? Hidden);
