using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Export;

/// <summary>A <see cref="ConvNext"/> in a graph.</summary>
internal static class ConvNextWriter
{
    /// <summary>Pixels, (B, 3, R, R) → (B, E).</summary>
    internal static OnnxValue Write(OnnxValue pixels, ConvNextConfig shape, ClipConfig config)
    {
        const string Trunk = "visual.trunk";
        var (graph, epsilon) = (pixels.Graph, config.VisionBlock.LayerNormEpsilon);
        var x = graph.ChannelNorm(graph.Convolution(pixels, $"{Trunk}.stem.0", 4), $"{Trunk}.stem.1", epsilon); // (B, C1, R / 4, R / 4)
        for (int stage = 0; stage < shape.Depths.Count; stage++)
        {
            string layer = $"{Trunk}.stages.{stage}";
            if (stage > 0)
                x = graph.Convolution(graph.ChannelNorm(x, $"{layer}.downsample.0", epsilon), $"{layer}.downsample.1", 2);
            for (int i = 0; i < shape.Depths[stage]; i++) x = Block(x, $"{layer}.blocks.{i}", shape.Widths[stage], epsilon);
        }
        return Head(graph.LayerNorm(x.Mean(2, 3), $"{Trunk}.head.norm", epsilon));          // (B, E)
    }

    /// <summary>(B, C, h, w) → (B, C, h, w).</summary>
    private static OnnxValue Block(OnnxValue input, string block, long C, double epsilon)
    {
        var graph = input.Graph;
        var x = graph.Convolution(input, $"{block}.conv_dw", 1, 3, C).Transpose(0, 2, 3, 1);    // (B, h, w, C)
        x = graph.Linear(graph.LayerNorm(x, $"{block}.norm", epsilon), $"{block}.mlp.fc1");
        x = graph.Linear(graph.Gelu(x), $"{block}.mlp.fc2") * graph.Weight($"{block}.gamma");
        return input + x.Transpose(0, 3, 1, 2);
    }

    /// <summary>(B, D) → (B, E).</summary>
    private static OnnxValue Head(OnnxValue pooled)
    {
        const string Projection = "visual.head.proj", Mlp = "visual.head.mlp";
        var graph = pooled.Graph;
        if (graph.Has($"{Projection}.weight")) return graph.Linear(pooled, Projection);
        if (!graph.Has($"{Mlp}.fc1.weight")) return pooled;
        return graph.Linear(graph.Gelu(graph.Linear(pooled, $"{Mlp}.fc1")), $"{Mlp}.fc2");
    }
}
