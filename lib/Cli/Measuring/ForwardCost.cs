using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Cli.Measuring;

/// <summary>Floating-point operations of a tower's matrix products for one row of the batch.</summary>
internal static class ForwardCost
{
    /// <summary>The operations for one image.</summary>
    /// <param name="config">The model.</param>
    /// <param name="prepared">Whether the last block computes only the pooled token, as the prepared form does.</param>
    internal static double Image(ClipConfig config, bool prepared)
    {
        var vision = config.Vision;
        double patches = 2.0 * (vision.Tokens - 1) * 3 * vision.PatchSize * vision.PatchSize * vision.Width;
        return patches + Blocks(vision.Tokens, vision.Width, vision.Layers, prepared) + 2.0 * vision.Width * config.EmbeddingWidth;
    }

    /// <summary>The operations for one caption of this many tokens.</summary>
    internal static double Text(ClipConfig config, double tokens, bool prepared) =>
        Blocks(tokens, config.Text.Width, config.Text.Layers, prepared) + 2.0 * config.Text.Width * config.EmbeddingWidth;

    /// <summary>
    /// Multiplications for each token: 4 D² for q, k, v and the output, 8 D² for the MLP, 2 N D for attention; each counts as two
    /// operations.
    /// </summary>
    private static double Blocks(double tokens, double width, int layers, bool prepared)
    {
        double whole = 24 * tokens * width * width + 4 * tokens * tokens * width;
        double last = 4 * tokens * width * width + 20 * width * width + 4 * tokens * width;
        return prepared ? (layers - 1) * whole + last : layers * whole;
    }
}
