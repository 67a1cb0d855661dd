using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Models;

/// <summary>Adapts an image tower's position embeddings to resolutions that the model was not trained at.</summary>
internal static class PositionEmbedding
{
    /// <summary>
    /// Position embeddings of a square grid, (first + G², D), → those of another grid, (first + height · width, D), by bicubic
    /// interpolation as in Hugging Face's <c>interpolate_pos_encoding</c> (<c>interpolate(size: …, mode: bicubic, align_corners:
    /// false)</c>, in float32); embeddings of the first tokens, which have no place in the grid, are kept.
    /// </summary>
    /// <param name="positions">The embeddings, one row a token.</param>
    /// <param name="first">How many tokens stand before the patches: 1 for a class token.</param>
    /// <param name="height">The rows of the new grid.</param>
    /// <param name="width">Its columns.</param>
    internal static Tensor Interpolate(Tensor positions, int first, long height, long width)
    {
        using var scope = NewDisposeScope();
        var (patches, D) = (positions.shape[0] - first, positions.shape[1]);
        long grid = (long)Math.Round(Math.Sqrt(patches));
        if (height == grid && width == grid) return positions.alias().MoveToOuterDisposeScope();
        var x = positions.narrow(0, first, patches).to(float32).view(1, grid, grid, D).permute(0, 3, 1, 2);         // (1, D, G, G)
        x = nn.functional.interpolate(x, [height, width], mode: InterpolationMode.Bicubic, align_corners: false);   // (1, D, height, width)
        x = x.permute(0, 2, 3, 1).reshape(height * width, D).to(positions.dtype);
        return cat([positions.narrow(0, 0, first), x], 0).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The same as SigLIP 2 NaFlex does it, for every grid, even the original: bilinear, with <c>antialias</c> where the new grid is
    /// smaller. (G², D) → (height · width, D).
    /// </summary>
    internal static Tensor Smooth(Tensor positions, long height, long width)
    {
        using var scope = NewDisposeScope();
        long D = positions.shape[1], grid = (long)Math.Round(Math.Sqrt(positions.shape[0]));
        var x = positions.view(grid, grid * D);                                                                     // (G, G·D)
        var down = Weights(grid, height, positions).mm(x).view(height, grid, D);                                    // (height, G, D)
        var across = Weights(grid, width, positions).matmul(down);                                                  // (height, width, D)
        return across.reshape(height * width, D).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The weight of each old position in each new one, (places, grid): a triangle that reaches the larger of the two grids' steps to
    /// either side; each row sums to 1.
    /// </summary>
    private static Tensor Weights(long grid, long places, Tensor like)
    {
        double step = (double)grid / places, reach = Math.Max(step, 1);
        double[] weights = new double[places * grid];
        for (int place = 0; place < places; place++)
        {
            double center = step * (place + 0.5);
            long first = Math.Max((long)(center - reach + 0.5), 0), end = Math.Min((long)(center + reach + 0.5), grid);
            double sum = 0;
            for (long i = first; i < end; i++) sum += weights[place * grid + i] = Math.Max(0, 1 - Math.Abs((i - center + 0.5) / reach));
            for (long i = first; i < end; i++) weights[place * grid + i] /= sum;
        }
        return tensor(weights, [places, grid]).to(like.dtype).to(like.device);
    }
}
