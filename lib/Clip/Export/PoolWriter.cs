using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Export;

/// <summary>Attention pools in a graph: <see cref="QueryPool"/> and <see cref="CocaPool"/>.</summary>
internal static class PoolWriter
{
    private const string Layer = "visual.attn_pool";

    /// <summary>PyTorch's default ε, which CoCa's pool uses whatever the tower's is.</summary>
    private const double Epsilon = 1e-5;

    /// <summary>(B, N, D) → (B, D).</summary>
    /// <param name="x">(B, N, D).</param>
    /// <param name="block">The shape of the tower's blocks.</param>
    /// <param name="pool">The pool's configuration.</param>
    /// <param name="mask">Far below 0 for tokens that are masked out, (B, 1, 1, N); null if there are none.</param>
    internal static OnnxValue Query(OnnxValue x, BlockShape block, AttentionPoolConfig pool, OnnxValue? mask)
    {
        var (graph, D, H) = (x.Graph, (long)block.Width, (long)pool.Heads);
        var q = AttentionWriter.Heads(Part(graph.Weight($"{Layer}.probe"), "q", 0, 1), H);  // (1, H, 1, K)
        var kv = Part(x, "kv", 1, 2).Split(2);                                              // (B, N, D) each
        OnnxValue k = AttentionWriter.Heads(kv[0], H), v = AttentionWriter.Heads(kv[1], H); // (B, H, N, K) each
        var mixed = AttentionWriter.Mix(q, k, v, Math.Pow(D / H, -0.5), mask);              // (B, H, 1, K)
        var answer = graph.Linear(mixed.Reshape(0, D), $"{Layer}.out_proj");                // (B, D)
        var shape = block with { Options = BlockOptions.Clip };
        return answer + BlockWriter.Mlp(graph.LayerNorm(answer, $"{Layer}.ln", block.LayerNormEpsilon), $"{Layer}.mlp", shape);

        OnnxValue Part(OnnxValue input, string name, long first, long count) => graph.Linear(input, $"{Layer}.in_proj_weight.{name}",
            graph.Parameter($"{Layer}.in_proj_weight").narrow(0, first * D, count * D),
            graph.Floats($"{Layer}.in_proj_bias.{name}", graph.Parameter($"{Layer}.in_proj_bias").narrow(0, first * D, count * D)));
    }

    /// <summary>(B, N, D) → (B, queries, E).</summary>
    internal static OnnxValue Coca(OnnxValue x, AttentionPoolConfig pool, long E)
    {
        var (graph, H) = (x.Graph, (long)pool.Heads);
        var queries = graph.LayerNorm(graph.Weight($"{Layer}.query"), $"{Layer}.ln_q", Epsilon).Reshape(1, -1, E);
        var tokens = graph.LayerNorm(x, $"{Layer}.ln_k", Epsilon);
        OnnxValue q = Heads(queries, "q", 0), k = Heads(tokens, "k", 1), v = Heads(tokens, "v", 2);
        var mixed = AttentionWriter.Mix(q, k, v, Math.Pow(E / H, -0.5));                    // (B, H, queries, K)
        return graph.Linear(AttentionWriter.Join(mixed, E), $"{Layer}.attn.out_proj");

        OnnxValue Heads(OnnxValue input, string name, long part)
        {
            string own = $"{Layer}.attn.{name}_proj_weight", joined = $"{Layer}.attn.in_proj_weight";
            var weight = graph.Has(own) ? graph.Parameter(own) : graph.Parameter(joined).narrow(0, part * E, E);
            var bias = graph.Parameter($"{Layer}.attn.in_proj_bias").narrow(0, part * E, E);
            return AttentionWriter.Heads(graph.Linear(input, own, weight, graph.Floats($"{Layer}.attn.in_proj_bias.{name}", bias)), H);
        }
    }
}
