namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// One line of a <see cref="NameTable"/>: a parameter's name here and in a layout, or what begins the names of a module's parameters;
/// <c>#</c> stands for the first number in a name.
/// </summary>
/// <param name="Ours">The name in <see cref="Models.ClipModel"/>.</param>
/// <param name="Theirs">The names there; several are joined along the first dimension.</param>
internal sealed record NameRule(string Ours, params string[] Theirs)
{
    /// <summary>Whether rows and columns change places.</summary>
    internal bool Transposed { get; init; }

    /// <summary>See <see cref="ParameterSource.Leading"/>.</summary>
    internal int Leading { get; init; }

    /// <summary>See <see cref="ParameterSource.Shares"/>.</summary>
    internal int[]? Shares { get; init; }
}
