using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Export;

/// <summary>
/// Transformer blocks in a graph: the forwards of <see cref="Models.Transformer"/>, <see cref="ResidualAttentionBlock"/> and its MLP.
/// </summary>
internal static class BlockWriter
{
    /// <summary>(B, N, D) → (B, N, D), through all blocks.</summary>
    internal static OnnxValue Transformer(OnnxValue x, string tower, int layers, BlockShape shape, BlockInputs inputs)
    {
        for (int i = 0; i < layers; i++) x = Block(x, $"{tower}transformer.resblocks.{i}", shape, inputs);
        return x;
    }

    /// <summary>The MLP, with the options of a block: (…, D) → (…, D).</summary>
    internal static OnnxValue Mlp(OnnxValue input, string layer, BlockShape shape)
    {
        var (graph, gate) = (input.Graph, shape.Options.Gate);
        var x = gate == MlpGate.Gelu ? Norm(input) : input;                                 // (…, D)
        var hidden = gate switch                                                            // (…, 4 D)
        {
            MlpGate.None => graph.Activate(graph.Linear(x, $"{layer}.c_fc"), shape.Activation),
            MlpGate.Silu => graph.Silu(graph.Linear(x, $"{layer}.c_gate")) * graph.Linear(x, $"{layer}.c_fc"),
            _ => graph.Activate(graph.Linear(x, $"{layer}.c_gate"), shape.Activation) * graph.Linear(x, $"{layer}.c_fc"),
        };
        if (gate == MlpGate.Silu || shape.Options.MlpNorm) hidden = Norm(hidden);
        return graph.Linear(hidden, $"{layer}.c_proj");

        OnnxValue Norm(OnnxValue value) => graph.LayerNorm(value, $"{layer}.ln", shape.LayerNormEpsilon);
    }

    private static OnnxValue Block(OnnxValue input, string block, BlockShape shape, BlockInputs inputs)
    {
        var (graph, options) = (input.Graph, shape.Options);
        bool before = options.Norm == NormPlacement.Before;
        var attended = AttentionWriter.Write(before ? Norm(input, "ln_1") : input, $"{block}.attn", shape, inputs);
        if (options.AttentionNorm) attended = Norm(attended, "ln_attn");
        var x = Join(input, attended, "ln_1", "ls_1");                                      // (B, N, D)
        return Join(x, Mlp(before ? Norm(x, "ln_2") : x, $"{block}.mlp", shape), "ln_2", "ls_2");

        OnnxValue Norm(OnnxValue value, string name) => graph.LayerNorm(value, $"{block}.{name}", shape.LayerNormEpsilon);

        OnnxValue Join(OnnxValue value, OnnxValue branch, string norm, string scale)
        {
            if (shape.LayerScale is not null) branch *= graph.Weight($"{block}.{scale}.gamma");
            return options.Norm switch
            {
                NormPlacement.AfterSum => Norm(value + branch, norm),
                NormPlacement.AfterBranch => value + Norm(branch, norm),
                _ => value + branch,
            };
        }
    }
}
