namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// One rule of a <see cref="NameTable"/>: a parameter's name here and in a layout, or the prefix of a module's parameters; <c>#</c> stands
/// for the first number in a name.
/// </summary>
/// <param name="Ours">The name in <see cref="Models.ClipModel"/>.</param>
/// <param name="Theirs">The names in the layout; several tensors are joined along the first dimension.</param>
internal sealed record NameRule(string Ours, params string[] Theirs)
{
    /// <summary>Whether the layout has rows and columns interchanged.</summary>
    internal bool Transposed { get; init; }

    /// <summary>See <see cref="ParameterSource.Leading"/>.</summary>
    internal int Leading { get; init; }

    /// <summary>See <see cref="ParameterSource.Shares"/>.</summary>
    internal int[]? Shares { get; init; }
}
