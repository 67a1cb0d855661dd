using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Export;

/// <summary>
/// The stem, which turns pixels into tokens, in a graph: one convolution, a <see cref="ConvolutionStem"/>, an
/// <see cref="InvertedResidualStem"/>, or one linear layer over patches.
/// </summary>
internal static class StemWriter
{
    private const string Layer = "visual.conv1";
    private const double Epsilon = 1e-6;

    /// <summary>(B, 3, R, R), or patches, (B, patches, 3 P²) → (B, patches, D).</summary>
    internal static OnnxValue Write(OnnxValue pixels, VisionConfig vision)
    {
        if (vision.Stem == PatchStem.FlatPatches) return pixels.Graph.Linear(pixels, Layer);
        var grid = vision.Stem switch                                                       // (B, D, R / P, R / P)
        {
            PatchStem.Convolutions => Convolutions(pixels),
            PatchStem.InvertedResiduals => InvertedResiduals(pixels, vision.StemWidth!.Value),
            _ => pixels.Graph.Convolution(pixels, Layer, vision.PatchSize),
        };
        return grid.Reshape(0, vision.Width, -1).Transpose(0, 2, 1);
    }

    private static OnnxValue Convolutions(OnnxValue pixels)
    {
        var graph = pixels.Graph;
        var x = graph.Gelu(Normed(pixels, $"{Layer}.backbone.0", 4));                       // (B, D / 4, R / 4, R / 4)
        x = graph.Gelu(Normed(x, $"{Layer}.backbone.1", 2));                                // (B, D / 4, R / 8, R / 8)
        return graph.Convolution(x, $"{Layer}.backbone.2.conv", 2);                         // (B, D, R / 16, R / 16)

        OnnxValue Normed(OnnxValue value, string layer, long stride) =>
            graph.BatchNorm(graph.Convolution(value, $"{layer}.conv", stride), $"{layer}.bn");
    }

    private static OnnxValue InvertedResiduals(OnnxValue pixels, long C)
    {
        var (graph, stem) = (pixels.Graph, $"{Layer}.backbone.stem");
        var x = graph.Convolution(pixels, $"{stem}.conv1", 2, 1);                           // (B, C, R / 2, R / 2)
        x = graph.Gelu(graph.ChannelNorm(x, $"{stem}.norm1", Epsilon));
        x = graph.Convolution(x, $"{stem}.conv2", 1, 1);
        foreach (var (stage, (outputs, blocks)) in new[] { (C, 2), (2 * C, 4) }.Index())
            for (int i = 0; i < blocks; i++) x = Residual(x, $"{Layer}.backbone.stages.{stage}.{i}", 4 * outputs, halve: i == 0);
        x = graph.ChannelNorm(x, $"{Layer}.backbone.pool.norm", Epsilon);                   // (B, 2 C, R / 8, R / 8)
        return graph.Convolution(x, $"{Layer}.backbone.pool.proj", 2, 1);                   // (B, D, R / 16, R / 16)
    }

    private static OnnxValue Residual(OnnxValue input, string block, long hidden, bool halve)
    {
        var graph = input.Graph;
        var x = graph.Gelu(graph.Convolution(graph.ChannelNorm(input, $"{block}.pre_norm", Epsilon), $"{block}.conv1_1x1"));
        x = graph.Gelu(graph.Convolution(x, $"{block}.conv2_kxk", halve ? 2 : 1, 1, hidden));
        x = graph.Convolution(x, $"{block}.conv3_1x1");
        var shortcut = halve ? graph.Node("AveragePool", [input], ("kernel_shape", new long[] { 3, 3 }), ("strides", new long[] { 2, 2 }),
            ("pads", new long[] { 1, 1, 1, 1 }), ("count_include_pad", 0L)) : input;
        if (graph.Has($"{block}.shortcut.expand.weight")) shortcut = graph.Convolution(shortcut, $"{block}.shortcut.expand");
        return x + shortcut;
    }
}
