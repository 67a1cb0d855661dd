namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Where a tensor of a Hugging Face checkpoint goes in <see cref="Models.ClipModel"/>: <see cref="ParameterSource"/> seen from the other
/// side.
/// </summary>
/// <param name="Name">The parameter's name.</param>
/// <param name="Part">Which third of the parameter's first dimension it fills (0 q, 1 k, 2 v); none where it is the whole.</param>
/// <param name="Transposed">Whether rows and columns change places.</param>
public sealed record ParameterTarget(string Name, int? Part, bool Transposed);
