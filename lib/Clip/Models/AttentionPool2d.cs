using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// One attention layer in place of global average pooling: the query is the mean of the grid; keys and values are that mean and the grid's
/// cells (paper, section 2.4).
/// </summary>
public sealed class AttentionPool2d : Module<Tensor, Tensor>
{
    [ComponentName(Name = "positional_embedding")] private readonly Parameter _positionalEmbedding;
    [ComponentName(Name = "k_proj")] private readonly Linear _k;
    [ComponentName(Name = "q_proj")] private readonly Linear _q;
    [ComponentName(Name = "v_proj")] private readonly Linear _v;
    [ComponentName(Name = "c_proj")] private readonly Linear _out;
    private readonly int _grid;
    private readonly int _heads;

    /// <summary>A pool with fresh weights.</summary>
    /// <param name="grid">The side of the grid.</param>
    /// <param name="width">C, the channels of the grid.</param>
    /// <param name="heads">H, a divisor of C.</param>
    /// <param name="embeddingWidth">E.</param>
    /// <param name="device">Where the weights are made; the CPU by default.</param>
    /// <exception cref="ArgumentException">The heads do not divide the width.</exception>
    public AttentionPool2d(int grid, int width, int heads, int embeddingWidth, Device? device = null) : base(nameof(AttentionPool2d))
    {
        if (heads < 1 || width % heads != 0) throw new ArgumentException($"{heads} heads do not divide a width of {width}.");
        (_grid, _heads) = (grid, heads);
        _positionalEmbedding = new Parameter(empty(grid * grid + 1, width, device: device));
        (_k, _q, _v) = (Linear(width, width, device: device), Linear(width, width, device: device), Linear(width, width, device: device));
        _out = Linear(width, embeddingWidth, device: device);
        double spread = Math.Pow(width, -0.5);
        foreach (var weight in new[] { _positionalEmbedding, _k.weight!, _q.weight!, _v.weight!, _out.weight! }) init.normal_(
            weight, 0, spread);
        RegisterComponents();
    }

    /// <summary>(B, C, grid, grid) → (B, E).</summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    public override Tensor forward(Tensor input)
    {
        Shapes.Require(input, "The attention pool", "(B, C, grid, grid)", -1, _positionalEmbedding.shape[1], _grid, _grid);
        using var scope = NewDisposeScope();
        var x = input.flatten(2).transpose(1, 2);                                           // (B, N - 1, C)
        x = cat([x.mean([1], keepdim: true), x], 1).Plus(_positionalEmbedding);            // (B, N, C)
        // (B, H, 1, K)
        var mixed = functional.scaled_dot_product_attention(Heads(_q.call(x.narrow(1, 0, 1))), Heads(_k.call(x)), Heads(_v.call(x)));
        return _out.call(mixed.flatten(1)).MoveToOuterDisposeScope();                       // (B, E)
    }

    private Tensor Heads(Tensor x) => x.view(x.shape[0], x.shape[1], _heads, -1).transpose(1, 2); // (B, H, N, K)
}
