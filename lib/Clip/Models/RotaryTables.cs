using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// The sines and cosines that rotate queries and keys, (patches, K) each: neighbouring elements of a head are one pair (timm's
/// <c>RotaryEmbeddingCat</c>).
/// </summary>
internal sealed record RotaryTables(Tensor Sin, Tensor Cos)
{
    private const double Temperature = 10000;

    /// <summary>Tables for a grid. Angles are computed in float32, as in the models' training, or in float64 for a float64 model.</summary>
    /// <param name="config">How positions are counted.</param>
    /// <param name="rows">Rows of the grid.</param>
    /// <param name="columns">Columns of the grid.</param>
    /// <param name="headWidth">K, a multiple of 4.</param>
    /// <param name="like">A tensor with the element type and device that the tables are to have.</param>
    internal static RotaryTables Make(RotaryConfig config, long rows, long columns, long headWidth, Tensor like)
    {
        using var scope = NewDisposeScope();
        var (device, type) = (like.device, like.dtype == float64 ? float64 : float32);
        long bands = headWidth / 4;
        var exponents = Arithmetic.Count(0, bands, device).to(type).Over(bands);
        var one = ones(bands, dtype: type, device: device);
        var frequencies = one.div(one.Times(Temperature).pow(exponents)); // (K / 4)
        Tensor row = Along(rows).view(-1, 1, 1, 1).expand(rows, columns, 1, 1),
            column = Along(columns).view(1, -1, 1, 1).expand(rows, columns, 1, 1);
        var grid = config.ColumnsFirst ? cat([column, row], 2) : cat([row, column], 2); // (rows, columns, 2, 1)
        var angles = (grid * frequencies).reshape(rows * columns, -1); // (N, K / 2)
        return new RotaryTables(Pairs(angles.sin()), Pairs(angles.cos()));

        Tensor Along(long count)
        {
            var x = Arithmetic.Count(0, count, device).to(type).Plus(config.Offset);
            return config.ReferenceGrid is { } reference ? x.Over(count).Times(reference) : x;
        }

        Tensor Pairs(Tensor x) => x.repeat_interleave(2, -1).to(like.dtype).MoveToOuterDisposeScope(); // (N, K)
    }

    /// <summary>(B, H, N, K) → the same, with the last tokens, the patches, rotated.</summary>
    internal Tensor Turn(Tensor x)
    {
        using var scope = NewDisposeScope();
        long first = x.shape[2] - Sin.shape[0];
        var patches = x.narrow(2, first, Sin.shape[0]);
        var pairs = patches.reshape(x.shape[0], x.shape[1], patches.shape[2], -1, 2); // (B, H, N, K / 2, 2)
        var turned = stack([pairs.select(-1, 1).neg(), pairs.select(-1, 0)], -1).flatten(-2);
        patches = (patches * Cos).Plus(turned * Sin);
        return (first == 0 ? patches : cat([x.narrow(2, 0, first), patches], 2)).MoveToOuterDisposeScope();
    }
}
