using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Cli.Measuring;

/// <summary>
/// Floating-point operations of a tower's products and convolutions for one row of the batch. A multiplication with its addition counts as
/// two, as in OpenCLIP's docs/model_profile.csv.
/// </summary>
internal static class ForwardCost
{
    /// <summary>The operations for one image.</summary>
    /// <param name="config">The model.</param>
    /// <param name="pooled">Whether the last block computes only the pooled token, as CLIP's prepared form does.</param>
    /// <exception cref="ArgumentException">The tower is of a kind that is not counted.</exception>
    internal static double Image(ClipConfig config, bool pooled) => config.Vision switch
    {
        { Convolutional: ConvNextConfig shape } => ConvNext(shape, config.Vision.ImageSize),
        { IsTransformer: true } => Stem(config.Vision)
            + Blocks(config.Vision.Tokens, config.VisionBlock, config.Vision.Layers, pooled)
            + Projection(config.Vision.Width, config),
        _ => throw new ArgumentException($"The operations of {config.Vision} are not counted."),
    };

    /// <summary>The operations for one caption of this many tokens.</summary>
    internal static double Text(ClipConfig config, double tokens, bool pooled) =>
        Blocks(tokens + (config.Text.AppendedClassToken ? 1 : 0), config.TextBlock, config.Text.Layers, pooled)
        + Projection(config.Text.Width, config);

    /// <summary>
    /// Multiplications for each token: 4 D² for q, k, v and the output, 2 or 3 matrices of D × hidden for the MLP, 2 N D for attention.
    /// </summary>
    private static double Blocks(double tokens, BlockShape block, int layers, bool pooled)
    {
        double width = block.Width, mlp = (block.Options.Gate == MlpGate.None ? 2 : 3) * block.MlpWidth;
        double whole = 2 * tokens * width * (4 * width + mlp) + 4 * tokens * tokens * width;
        double last = 4 * tokens * width * width + 2 * width * (2 * width + mlp) + 4 * tokens * width;
        return pooled ? (layers - 1) * whole + last : layers * whole;
    }

    private static double Projection(double width, ClipConfig config) => 2 * width * config.EmbeddingWidth;

    private static double Stem(VisionConfig vision)
    {
        double R = vision.ImageSize, D = vision.Width;
        if (vision.Stem == PatchStem.Convolutions)
            return Convolution(4, 3, D / 4, R / 4) + Convolution(2, D / 4, D / 4, R / 8) + Convolution(2, D / 4, D, R / 16);
        if (vision.Stem != PatchStem.InvertedResiduals) return Convolution(vision.PatchSize, 3, D, vision.Grid);
        double C = vision.StemWidth!.Value;
        return Convolution(3, 3, C, R / 2) + Convolution(3, C, C, R / 2) + Residual(C, C, R / 2, R / 4) + Residual(C, C, R / 4, R / 4)
            + Residual(C, 2 * C, R / 4, R / 8) + 3 * Residual(2 * C, 2 * C, R / 8, R / 8) + Convolution(3, 2 * C, D, R / 16);

        // 1 × 1 to four times the outputs, depthwise 3 × 3, 1 × 1 back; and the shortcut where the number of channels changes.
        static double Residual(double inputs, double outputs, double from, double to) => Convolution(1, inputs, 4 * outputs, from)
            + Convolution(3, 1, 4 * outputs, to) + Convolution(1, 4 * outputs, outputs, to)
            + (inputs == outputs ? 0 : Convolution(1, inputs, outputs, to));
    }

    private static double ConvNext(ConvNextConfig shape, double size)
    {
        double all = Convolution(4, 3, shape.Widths[0], size / 4);
        for (int i = 0; i < shape.Widths.Count; i++)
        {
            double width = shape.Widths[i], side = size / (4 << i);
            if (i > 0) all += Convolution(2, shape.Widths[i - 1], width, side);
            all += shape.Depths[i] * (Convolution(7, 1, width, side) + 2 * Convolution(1, width, 4 * width, side));
        }
        return all;
    }

    /// <summary>The operations of a convolution; the kernel and the output are squares of these sides in pixels.</summary>
    private static double Convolution(double kernel, double inputs, double outputs, double side) =>
        2 * kernel * kernel * inputs * outputs * side * side;
}
