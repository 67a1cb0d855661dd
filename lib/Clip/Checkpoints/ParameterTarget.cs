namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>Where a tensor of a checkpoint goes in <see cref="Models.ClipModel"/>: the reverse of <see cref="ParameterSource"/>.</summary>
/// <param name="Name">The parameter's name.</param>
/// <param name="Part">Which third of the parameter's first dimension it fills (0 q, 1 k, 2 v); null if it fills the whole.</param>
/// <param name="Transposed">Whether the checkpoint has rows and columns interchanged.</param>
public sealed record ParameterTarget(string Name, int? Part, bool Transposed);
