using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Export;

/// <summary>Attention in a graph: <see cref="MultiHeadAttention"/>'s forward by the explicit softmax.</summary>
internal static class AttentionWriter
{
    /// <summary>The logarithm of the largest factor of cosine attention: ln 100.</summary>
    private const double LargestScale = 4.605170185988092;

    /// <summary>(B, N, D) → (B, N, D).</summary>
    /// <param name="x">(B, N, D).</param>
    /// <param name="layer">The prefix of the parameters' names.</param>
    /// <param name="shape">The block's shape.</param>
    /// <param name="inputs">What attention takes besides its tokens.</param>
    internal static OnnxValue Write(OnnxValue x, string layer, BlockShape shape, BlockInputs inputs)
    {
        var (graph, options, H) = (x.Graph, shape.Options, shape.Heads);
        var qkv = graph.Linear(x, $"{layer}.in_proj_weight", graph.Parameter($"{layer}.in_proj_weight"), Bias(graph, layer, shape));
        OnnxValue[] parts = [.. qkv.Split(3).Select(part => Heads(part, H))];               // (B, H, N, K) each
        var (q, k, v) = (parts[0], parts[1], parts[2]);
        if (options.QueryKeyNorm)
        {
            q = graph.LayerNorm(q, $"{layer}.ln_q", shape.LayerNormEpsilon);
            k = graph.LayerNorm(k, $"{layer}.ln_k", shape.LayerNormEpsilon);
        }
        if (inputs.Rotary is { } rotary) (q, k) = (rotary.Turn(q), rotary.Turn(k));
        if (options.CosineAttention)
        {
            var scale = graph.Parameter($"{layer}.logit_scale");                            // (H, 1, 1)
            (q, k) = (q.Unit() * graph.Floats($"{layer}.logit_scale", scale.Below(LargestScale).exp()), k.Unit());
        }
        var mixed = Mix(q, k, v, options.CosineAttention ? 1 : Math.Pow(shape.Width / H, -0.5), inputs.Mask);   // (B, H, N, K)
        if (options.HeadScale) mixed *= graph.Weight($"{layer}.head_scale");
        var joined = Join(mixed, shape.Width);                                              // (B, N, D)
        if (options.InnerNorm) joined = graph.LayerNorm(joined, $"{layer}.ln_inner", shape.LayerNormEpsilon);
        return graph.Linear(joined, $"{layer}.out_proj");
    }

    /// <summary>softmax(q kᵀ · scale + mask) v: (B, H, M, K), (B, H, N, K), (B, H, N, K) → (B, H, M, K).</summary>
    internal static OnnxValue Mix(OnnxValue q, OnnxValue k, OnnxValue v, double scale, OnnxValue? mask = null)
    {
        var scores = (q * scale).Times(k.Transpose(0, 1, 3, 2));                            // (B, H, M, N)
        if (mask is { } hidden) scores += hidden;
        return scores.Softmax().Times(v);
    }

    /// <summary>(B, N, D) → (B, H, N, K).</summary>
    internal static OnnxValue Heads(OnnxValue x, long heads) => x.Reshape(0, 0, heads, -1).Transpose(0, 2, 1, 3);

    /// <summary>(B, H, N, K) → (B, N, D).</summary>
    internal static OnnxValue Join(OnnxValue x, long width) => x.Transpose(0, 2, 1, 3).Reshape(0, 0, width);

    /// <summary>The bias of queries, keys and values, (3 D): zeros for keys that have none.</summary>
    private static OnnxValue Bias(OnnxGraph graph, string layer, BlockShape shape)
    {
        var bias = graph.Parameter($"{layer}.in_proj_bias");
        if (shape.Options.KeyBias) return graph.Weight($"{layer}.in_proj_bias");
        var queries = bias.narrow(0, 0, shape.Width);
        return graph.Floats($"{layer}.in_proj_bias", cat([queries, zeros_like(queries), bias.narrow(0, shape.Width, shape.Width)], 0));
    }
}
