using ClipNotebooks.Clip.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.FineTuning;

/// <summary>A matrix that an addition can go to: the whole of a linear layer's weight, or a third of attention's joint one.</summary>
/// <param name="Module">Whose it is.</param>
/// <param name="Weight">The parameter that it lies in.</param>
/// <param name="Parameter">The parameter's name in the model.</param>
/// <param name="Target">Which matrix of its block.</param>
/// <param name="Row">Where in the parameter it begins.</param>
/// <param name="Rows">Its outputs.</param>
internal sealed record LowRankPlace(nn.Module Module, Parameter Weight, string Parameter, LowRankTargets Target, long Row, long Rows)
{
    /// <summary>Which of the parts that other layouts keep the parameter in.</summary>
    internal int Part => (int)(Row / Rows);

    internal bool IsOfImages => Parameter.StartsWith("visual.", StringComparison.Ordinal);

    /// <summary>Every such matrix of a model's blocks, in their order.</summary>
    internal static IEnumerable<LowRankPlace> In(ClipModel model)
    {
        foreach (var (name, module) in model.named_modules())
        {
            if (!name.Contains("resblocks.", StringComparison.Ordinal)) continue;
            if (module is MultiHeadAttention)
            {
                var joint = (Parameter)module.get_parameter("in_proj_weight")!;
                long width = joint.shape[1];
                foreach (var (i, target) in new[] { LowRankTargets.Query, LowRankTargets.Key, LowRankTargets.Value }.Index())
                    yield return new LowRankPlace(module, joint, $"{name}.in_proj_weight", target, i * width, width);
            }
            if (module is Linear linear && TargetOf(name) is { } whole)
                yield return new LowRankPlace(module, linear.weight!, $"{name}.weight", whole, 0, linear.weight!.shape[0]);
        }
    }

    private static LowRankTargets? TargetOf(string name) => name[(name.LastIndexOf('.') + 1)..] switch
    {
        "out_proj" => LowRankTargets.Output,
        "c_fc" => LowRankTargets.MlpIn,
        "c_proj" => LowRankTargets.MlpOut,
        _ => null,
    };
}
