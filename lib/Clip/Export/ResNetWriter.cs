using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Export;

/// <summary>A <see cref="ModifiedResNet"/> with its attention pool in a graph.</summary>
internal static class ResNetWriter
{
    /// <summary>Pixels, (B, 3, R, R) → (B, E).</summary>
    internal static OnnxValue Write(OnnxValue pixels, VisionConfig vision)
    {
        var (first, second, third, fourth) = vision.Stages!.Value;
        var x = Normed(pixels, "visual.conv1", "visual.bn1", stride: 2, padding: 1);        // (B, D / 2, R / 2, R / 2)
        x = Normed(x, "visual.conv2", "visual.bn2", padding: 1);
        x = Shrink(Normed(x, "visual.conv3", "visual.bn3", padding: 1), 2);                 // (B, D, R / 4, R / 4)
        foreach (var (stage, blocks) in new[] { first, second, third, fourth }.Index())
            for (int i = 0; i < blocks; i++) x = Bottleneck(x, $"visual.layer{stage + 1}.{i}", stage > 0 && i == 0 ? 2 : 1);
        return Pool(x, 32L * vision.Width, vision.Heads);                                   // (B, E)
    }

    /// <summary>(B, C, h, w) → (B, 4 planes, h / stride, w / stride).</summary>
    private static OnnxValue Bottleneck(OnnxValue input, string block, long stride)
    {
        var graph = input.Graph;
        var x = Normed(input, $"{block}.conv1", $"{block}.bn1");
        x = Normed(x, $"{block}.conv2", $"{block}.bn2", padding: 1);
        x = graph.BatchNorm(graph.Convolution(Shrink(x, stride), $"{block}.conv3"), $"{block}.bn3");
        var shortcut = !graph.Has($"{block}.downsample.0.weight") ? input
            : graph.BatchNorm(graph.Convolution(Shrink(input, stride), $"{block}.downsample.0"), $"{block}.downsample.1");
        return graph.Node("Relu", x + shortcut);
    }

    /// <summary>Attention pooling whose query is the mean of the grid: (B, C, h, w) → (B, E).</summary>
    private static OnnxValue Pool(OnnxValue grid, long C, long heads)
    {
        const string Layer = "visual.attnpool";
        var graph = grid.Graph;
        var cells = grid.Reshape(0, C, -1).Transpose(0, 2, 1);                              // (B, N - 1, C)
        var x = graph.Concat(1, cells.Mean(1).Reshape(0, 1, C), cells) + graph.Weight($"{Layer}.positional_embedding"); // (B, N, C)
        OnnxValue q = Heads(x.First(graph.Integers(1), 1), "q_proj"), k = Heads(x, "k_proj"), v = Heads(x, "v_proj");
        var mixed = AttentionWriter.Mix(q, k, v, Math.Pow(C / heads, -0.5));                // (B, H, 1, K)
        return graph.Linear(mixed.Reshape(0, C), $"{Layer}.c_proj");

        OnnxValue Heads(OnnxValue value, string layer) => AttentionWriter.Heads(graph.Linear(value, $"{Layer}.{layer}"), heads);
    }

    private static OnnxValue Normed(OnnxValue x, string convolution, string norm, long stride = 1, long padding = 0) =>
        x.Graph.Node("Relu", x.Graph.BatchNorm(x.Graph.Convolution(x, convolution, stride, padding), norm));

    private static OnnxValue Shrink(OnnxValue x, long stride) => stride == 1 ? x
        : x.Graph.Node("AveragePool", [x], ("kernel_shape", new[] { stride, stride }), ("strides", new[] { stride, stride }));
}
