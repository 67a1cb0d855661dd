namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Where a parameter of <see cref="Models.ClipModel"/> lies in a checkpoint that follows another naming: under one name, or under several
/// where q, k and v are apart, and transposed where a linear
/// layer stands for a bare matrix.
/// </summary>
/// <param name="Sources">The names there; several are joined along the first dimension.</param>
/// <param name="Transposed">Whether rows and columns change places.</param>
public sealed record ParameterSource(IReadOnlyList<string> Sources, bool Transposed)
{
    /// <summary>
    /// How many dimensions of size 1 stand before the parameter's own there, as before timm's <c>pos_embed</c>, (1, N, D).
    /// </summary>
    public int Leading { get; init; }

    /// <summary>
    /// How the first dimension is shared among the sources where not equally, as (1, 2) between a query's weights and those of keys and
    /// values.
    /// </summary>
    public IReadOnlyList<int>? Shares { get; init; }

    /// <summary>The shape that each source has there.</summary>
    internal IReadOnlyList<long[]> Shapes(long[] parameter)
    {
        long[] shape = [.. Enumerable.Repeat(1L, Leading), .. Transposed ? parameter.Reverse() : parameter];
        return Sources.Count == 1 ? [shape] : [.. Sizes(shape[0]).Select(size => (long[])[size, .. shape.Skip(1)])];
    }

    /// <summary>The sources' sizes along the first dimension.</summary>
    internal IReadOnlyList<long> Sizes(long whole)
    {
        var shares = Shares ?? [.. Enumerable.Repeat(1, Sources.Count)];
        return [.. shares.Select(share => whole / shares.Sum() * share)];
    }
}
