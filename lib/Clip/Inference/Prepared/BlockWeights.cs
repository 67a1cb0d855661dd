using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>A weight and a bias.</summary>
internal readonly record struct Affine(Tensor Weight, Tensor Bias)
{
    /// <summary>A range of the outputs.</summary>
    internal Affine Outputs(long first, long count) => new(Weight.narrow(0, first, count), Bias.narrow(0, first, count));

    internal Affine Times(double factor) => new(Weight.Times(factor), Bias.Times(factor));
}

/// <summary>
/// A block's weights in float32 as the prepared forms take them: layer scales and QuickGELU's factor are multiplied into the neighbouring
/// weights. x · sigmoid(1.702 x) is s(1.702 x) / 1.702 with s(x) = x · sigmoid(x), so 1.702 goes into the weights before the activation and
/// its inverse into those after it.
/// </summary>
internal sealed record BlockWeights(Affine Norm1, Affine In, Affine Out, Affine Norm2, Affine Up, Affine Down)
{
    internal const double QuickGeluFactor = 1.702;

    /// <summary>Reads the weights of a block; the tensors belong to the caller's dispose scope.</summary>
    internal static BlockWeights Of(ResidualAttentionBlock block, BlockShape shape)
    {
        var weights = block.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.detach());
        double factor = shape.Activation == Activation.QuickGelu ? QuickGeluFactor : 1;
        return new BlockWeights(
            Get("ln_1"), new Affine(weights["attn.in_proj_weight"], weights["attn.in_proj_bias"]), Scaled("attn.out_proj", "ls_1.gamma", 1),
            Get("ln_2"), Get("mlp.c_fc").Times(factor), Scaled("mlp.c_proj", "ls_2.gamma", 1 / factor));

        Affine Get(string name) => new(weights[$"{name}.weight"], weights[$"{name}.bias"]);

        Affine Scaled(string name, string scale, double by)
        {
            var (weight, bias) = Get(name);
            weight = weight.Times(by);
            return weights.TryGetValue(scale, out var gamma) ? new Affine(weight * gamma.unsqueeze(1), bias * gamma)
                : new Affine(weight, bias);
        }
    }
}
