using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Models;

/// <summary>Images as rows of flattened patches; one batch may hold images of several shapes (SigLIP 2 NaFlex).</summary>
internal static class PatchRows
{
    /// <summary>
    /// Pixels, (B, 3, height, width) → (B, N, 3 P²), each patch in the order row, column, colour; pixels past the last whole patch are left
    /// out.
    /// </summary>
    internal static Tensor Cut(Tensor pixels, long P)
    {
        using var scope = NewDisposeScope();
        long B = pixels.shape[0], rows = pixels.shape[2] / P, columns = pixels.shape[3] / P;
        return pixels.narrow(2, 0, rows * P).narrow(3, 0, columns * P)
            .reshape(B, 3, rows, P, columns, P).permute(0, 2, 4, 3, 5, 1).reshape(B, rows * columns, 3 * P * P).MoveToOuterDisposeScope();
    }

    /// <summary>Whether an input holds patches with their grid positions, (B, N, 3 P² + 2), rather than pixels.</summary>
    /// <exception cref="ArgumentException">The input has three dimensions, and the last is not 3 P² + 2.</exception>
    internal static bool AreIn(Tensor input, VisionConfig config)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (config.Stem != PatchStem.FlatPatches || input.dim() != 3) return false;
        Shapes.Require(input, "The image tower", "(B, N, 3 P² + 2)", -1, -1, 3 * config.PatchSize * config.PatchSize + 2);
        return true;
    }

    /// <summary>(B, N, 3 P² + 2) → the patches, (B, N, 3 P²), and the rows and columns of each image's grid.</summary>
    /// <exception cref="ArgumentException">An image's grid has no cells, or more than N.</exception>
    internal static (Tensor Patches, (long Rows, long Columns)[] Grids) Apart(Tensor input, VisionConfig config)
    {
        long numbers = input.shape[2] - 2;
        var (patches, places) = (input.narrow(2, 0, numbers), input.narrow(2, numbers, 2));
        return (patches, Grids(patches, places.amax([1]).Plus(1), config));
    }

    /// <summary>The grids in <paramref name="shapes"/>, (B, 2), checked against the patches, (B, N, 3 P²).</summary>
    /// <exception cref="ArgumentException">The tower takes pixels, or the shapes do not fit.</exception>
    internal static (long Rows, long Columns)[] Grids(Tensor patches, Tensor shapes, VisionConfig config)
    {
        if (config.Stem != PatchStem.FlatPatches) throw new ArgumentException("This image tower takes pixels, (B, 3, R, R): images of " +
            "any shape as patches are for SigLIP 2 NaFlex.");
        Shapes.Require(patches, "The image tower", "(B, N, 3 P²)", -1, -1, 3 * config.PatchSize * config.PatchSize);
        Shapes.Require(shapes, "The image tower's shapes", "(B, 2)", patches.shape[0], 2);
        long[] numbers = shapes.to(int64).cpu().contiguous().data<long>().ToArray();
        var grids = numbers.Chunk(2).Select(pair => (Rows: pair[0], Columns: pair[1])).ToArray();
        foreach (var (i, (rows, columns)) in grids.Index())
        {
            if (rows < 1 || columns < 1 || rows > patches.shape[1] || columns > patches.shape[1] / rows)
                throw new ArgumentException($"Image {i} is {rows} × {columns} patches; 1 to {patches.shape[1]} in all are possible.",
                    nameof(shapes));
        }
        return grids;
    }

    /// <summary>Pads rows with copies of the first, which attention masks out: (n, D) → (N, D).</summary>
    internal static Tensor Fill(Tensor rows, long N)
    {
        using var scope = NewDisposeScope();
        long empty = N - rows.shape[0];
        return (empty == 0 ? rows.alias() : cat([rows, rows.narrow(0, 0, 1).expand(empty, -1)], 0)).MoveToOuterDisposeScope();
    }

    /// <summary>Which positions are padding: (B, N), bool.</summary>
    internal static Tensor IsEmpty((long Rows, long Columns)[] grids, long N, Device device)
    {
        using var scope = NewDisposeScope();
        var counts = tensor(grids.Select(grid => grid.Rows * grid.Columns).ToArray(), device: device).unsqueeze(1);    // (B, 1)
        return Arithmetic.Count(0, N, device).unsqueeze(0).ge(counts).MoveToOuterDisposeScope();
    }
}
