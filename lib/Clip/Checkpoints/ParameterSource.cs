namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Where a parameter of <see cref="Models.ClipModel"/> lies in a checkpoint that follows another naming: under one name, or under three where q, k and v are apart, and transposed where a linear
/// layer stands for a bare matrix.
/// </summary>
/// <param name="Sources">The names there; several are joined along the first dimension.</param>
/// <param name="Transposed">Whether rows and columns change places.</param>
public sealed record ParameterSource(IReadOnlyList<string> Sources, bool Transposed);
