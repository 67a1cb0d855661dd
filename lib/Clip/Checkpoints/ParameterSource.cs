namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Where a checkpoint with another naming stores a parameter of <see cref="Models.ClipModel"/>: under one name, or under several where q, k
/// and v are separate, and transposed where a linear layer takes the place of a bare matrix.
/// </summary>
/// <param name="Sources">The names in the checkpoint; several tensors are joined along the first dimension.</param>
/// <param name="Transposed">Whether the checkpoint has rows and columns interchanged.</param>
public sealed record ParameterSource(IReadOnlyList<string> Sources, bool Transposed)
{
    /// <summary>
    /// How many leading dimensions of size 1 the checkpoint's tensor has, as timm's <c>pos_embed</c>, (1, N, D), has one.
    /// </summary>
    public int Leading { get; init; }

    /// <summary>
    /// The sources' proportions along the first dimension, as (1, 2) for a query's weights and those of keys and values; null for equal
    /// ones.
    /// </summary>
    public IReadOnlyList<int>? Shares { get; init; }

    /// <summary>The shape of each source in the checkpoint.</summary>
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
