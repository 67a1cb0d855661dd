using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>A stack of <see cref="ResidualAttentionBlock"/>s.</summary>
public sealed class Transformer : Module<Tensor, Tensor>
{
    [ComponentName(Name = "resblocks")] private readonly ModuleList<ResidualAttentionBlock> _blocks;

    internal Transformer(BlockShape shape, int layers, bool causal) : base(nameof(Transformer))
    {
        Shape = shape;
        _blocks = new ModuleList<ResidualAttentionBlock>(
            [.. Enumerable.Range(0, layers).Select(_ => new ResidualAttentionBlock(shape, causal))]);
        RegisterComponents();
        Initialize(shape.Width, layers);
    }

    /// <summary>What each block was made from.</summary>
    internal BlockShape Shape { get; }

    /// <summary>How many sets of low-rank adapters are attached to the blocks but not merged into their weights.</summary>
    internal int UnmergedAdapters { get; set; }

    /// <summary>The blocks, first to last.</summary>
    public IReadOnlyList<ResidualAttentionBlock> Blocks => [.. _blocks];

    /// <summary>(B, N, D) → (B, N, D).</summary>
    public override Tensor forward(Tensor input) => Run(input, null);

    internal Tensor Run(Tensor input, Trace? trace, AttentionInputs? inputs = null)
    {
        using var scope = NewDisposeScope();
        var x = input;
        trace?.Record("hidden.0", x);
        for (int i = 0; i < _blocks.Count; i++)
        {
            if (trace is null)
            {
                x = _blocks[i].Run(x, inputs);
                continue;
            }
            (x, var weights) = _blocks[i].RunWithWeights(x, inputs);
            trace.Record($"attention.{i + 1}", weights);
            trace.Record($"hidden.{i + 1}", x);
        }
        return ReferenceEquals(x, input) ? x.alias().MoveToOuterDisposeScope() : x.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// openai/CLIP <c>initialize_parameters</c>: the deeper the stack, the smaller the weights that write to the residual.
    /// </summary>
    private void Initialize(int width, int layers)
    {
        double attention = Math.Pow(width, -0.5), projection = attention * Math.Pow(2 * layers, -0.5), hidden = Math.Pow(2 * width, -0.5);
        foreach (var (name, parameter) in named_parameters())
        {
            if (name.EndsWith("in_proj_weight", StringComparison.Ordinal)) init.normal_(parameter, 0, attention);
            if (name.EndsWith("out_proj.weight", StringComparison.Ordinal)
                || name.EndsWith("c_proj.weight", StringComparison.Ordinal)) init.normal_(parameter, 0, projection);
            if (name.EndsWith("c_fc.weight", StringComparison.Ordinal)) init.normal_(parameter, 0, hidden);
        }
    }
}
