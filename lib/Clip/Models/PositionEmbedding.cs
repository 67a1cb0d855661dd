using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Models;

/// <summary>Position embeddings of an image's patches at other resolutions than the model was trained at.</summary>
internal static class PositionEmbedding
{
    /// <summary>
    /// Position embeddings of a square grid, (first + G², D), → those of another grid, (first + height · width, D), by bicubic interpolation as in Hugging Face's <c>interpolate_pos_encoding</c>
    /// (<c>interpolate(size: …, mode: bicubic, align_corners: false)</c>, in float32); those of the first tokens, which have no place in the grid, stay.
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
}
