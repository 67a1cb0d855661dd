using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Cli.Measuring;

/// <summary>Floating-point operations of a tower's matrix products, one row of its batch.</summary>
internal static class ForwardCost
{
    /// <summary>An image.</summary>
    /// <param name="config">The model.</param>
    /// <param name="prepared">Whether the last block is for the pooled token alone.</param>
    internal static double Image(ClipConfig config, bool prepared)
    {
        var vision = config.Vision;
        double patches = 2.0 * (vision.Tokens - 1) * 3 * vision.PatchSize * vision.PatchSize * vision.Width;
        return patches + Blocks(vision.Tokens, vision.Width, vision.Layers, prepared) + 2.0 * vision.Width * config.EmbeddingWidth;
    }

    /// <summary>A caption of so many tokens.</summary>
    internal static double Text(ClipConfig config, double tokens, bool prepared) =>
        Blocks(tokens, config.Text.Width, config.Text.Layers, prepared) + 2.0 * config.Text.Width * config.EmbeddingWidth;

    /// <summary>q, k, v and the output: 4 D² of weights, the MLP 8 D², attention 2 N D; two operations for each and token.</summary>
    private static double Blocks(double tokens, double width, int layers, bool prepared)
    {
        double whole = 24 * tokens * width * width + 4 * tokens * tokens * width;
        double last = 4 * tokens * width * width + 20 * width * width + 4 * tokens * width;
        return prepared ? (layers - 1) * whole + last : layers * whole;
    }
}
