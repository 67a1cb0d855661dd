using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Export;

/// <summary>A <see cref="FastVit"/> in a graph, its branches and batch normalisations folded into one convolution each.</summary>
internal static class FastVitWriter
{
    private const string Trunk = "visual.trunk";
    private const long HeadWidth = 32;
    private const double Epsilon = 1e-5;

    /// <summary>Pixels, (B, 3, R, R), 0 to 1 → (B, E).</summary>
    internal static OnnxValue Write(OnnxValue pixels, FastVitConfig shape)
    {
        var graph = pixels.Graph;
        var x = graph.Gelu(Folded(pixels, $"{Trunk}.stem.0", stride: 2));                   // (B, C1, R / 2, R / 2)
        x = graph.Gelu(Folded(x, $"{Trunk}.stem.1", stride: 2, groups: shape.Widths[0]));   // (B, C1, R / 4, R / 4)
        x = graph.Gelu(Folded(x, $"{Trunk}.stem.2"));
        for (int stage = 0; stage < shape.Widths.Count; stage++) x = Stage(x, shape, stage);
        x = Folded(x, $"{Trunk}.final_conv", groups: shape.Widths[^1]);                     // (B, 2 C, h, w)
        x = graph.Gelu(Squeezed(x, $"{Trunk}.final_conv.se"));
        return graph.Linear(x.Mean(2, 3), $"{Trunk}.head.fc");                              // (B, E)
    }

    /// <summary>(B, C, h, w) → (B, C', h / 2, w / 2); the first stage keeps (B, C, h, w).</summary>
    private static OnnxValue Stage(OnnxValue x, FastVitConfig shape, int index)
    {
        var (graph, stage, C) = (x.Graph, $"{Trunk}.stages.{index}", shape.Widths[index]);
        if (index > 0)
        {
            string down = $"{stage}.downsample.proj";
            x = Squeezed(Folded(x, $"{down}.0", stride: 2, groups: shape.Widths[index - 1]), $"{down}.0.se");
            x = graph.Gelu(Folded(graph.Gelu(x), $"{down}.1"));                             // (B, C', h / 2, w / 2)
        }
        bool attends = index >= shape.AttentionFrom;
        if (attends) x += graph.Convolution(x, $"{stage}.pos_emb.pos_enc", 1, 3, C);
        for (int i = 0; i < shape.Depths[index]; i++)
            x = attends ? Attends(x, $"{stage}.blocks.{i}", C, shape.ChannelNorm) : Mixes(x, $"{stage}.blocks.{i}", C);
        return x;
    }

    private static OnnxValue Mixes(OnnxValue input, string block, long C)
    {
        var x = Folded(input, $"{block}.token_mixer", groups: C);
        return x + Mlp(x, $"{block}.mlp", C) * x.Graph.Weight($"{block}.layer_scale.gamma");
    }

    private static OnnxValue Attends(OnnxValue input, string block, long C, bool channelNorm)
    {
        var graph = input.Graph;
        var x = channelNorm ? graph.ChannelNorm(input, $"{block}.norm", Epsilon) : graph.BatchNorm(input, $"{block}.norm");
        var qkv = graph.Linear(x.Reshape(0, C, -1).Transpose(0, 2, 1), $"{block}.token_mixer.qkv").Split(3);    // (B, N, C) each
        OnnxValue[] heads = [.. qkv.Select(part => AttentionWriter.Heads(part, C / HeadWidth))];                 // (B, H, N, K)
        var mixed = AttentionWriter.Mix(heads[0], heads[1], heads[2], Math.Pow(HeadWidth, -0.5));
        var joined = graph.Linear(AttentionWriter.Join(mixed, C), $"{block}.token_mixer.proj").Transpose(0, 2, 1);   // (B, C, N)
        var grid = graph.Node("Reshape", joined, graph.Node("Shape", input));                                    // (B, C, h, w)
        x = input + grid * graph.Weight($"{block}.layer_scale_1.gamma");
        return x + Mlp(x, $"{block}.mlp", C) * graph.Weight($"{block}.layer_scale_2.gamma");
    }

    private static OnnxValue Mlp(OnnxValue input, string mlp, long C)
    {
        var graph = input.Graph;
        var x = graph.Convolution(Folded(input, mlp, groups: C), $"{mlp}.fc1");
        return graph.Convolution(graph.Gelu(x), $"{mlp}.fc2");
    }

    /// <summary>
    /// Squeeze and excitation, where the layer exists: a weight for each channel, computed from the means of all channels.
    /// </summary>
    private static OnnxValue Squeezed(OnnxValue x, string layer)
    {
        var graph = x.Graph;
        if (!graph.Has($"{layer}.fc1.weight")) return x;
        var means = graph.Node("GlobalAveragePool", x);                                     // (B, C, 1, 1)
        return x * graph.Node("Sigmoid", graph.Convolution(graph.Node("Relu", graph.Convolution(means, $"{layer}.fc1")), $"{layer}.fc2"));
    }

    private static OnnxValue Folded(OnnxValue x, string layer, long stride = 1, long groups = 1) => x.Graph.Convolution(
        x, $"{layer}.folded", stride, x.Graph.Parameter($"{layer}.folded.weight").shape[^1] / 2, groups);
}
