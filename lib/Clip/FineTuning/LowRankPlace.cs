using ClipNotebooks.Clip.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.FineTuning;

/// <summary>A matrix that can get an adapter: the whole weight of a linear layer, or a third of attention's joint one.</summary>
/// <param name="Module">The module that it belongs to.</param>
/// <param name="Weight">The parameter that contains it.</param>
/// <param name="Parameter">The parameter's name in the model.</param>
/// <param name="Target">Which matrix of its block.</param>
/// <param name="Row">Its first row in the parameter.</param>
/// <param name="Rows">The number of its rows, the outputs.</param>
internal sealed record LowRankPlace(nn.Module Module, Parameter Weight, string Parameter, LowRankTargets Target, long Row, long Rows)
{
    private const string Pool = "visual.attnpool.";

    /// <summary>Its index among the parts in which other layouts store the parameter: 0 q, 1 k, 2 v; 0 for a whole parameter.</summary>
    internal int Part => (int)(Row / Rows);

    /// <summary>Whether it is a part of its parameter.</summary>
    internal bool IsThird => Rows < Weight.shape[0];

    internal bool IsOfImages => Parameter.StartsWith("visual.", StringComparison.Ordinal);

    /// <summary>Every such matrix of a model's blocks, and of a ResNet's attention pool, in the model's order.</summary>
    internal static IEnumerable<LowRankPlace> In(ClipModel model)
    {
        foreach (var (name, module) in model.named_modules())
        {
            bool pool = name.StartsWith(Pool, StringComparison.Ordinal);
            if (!pool && !name.Contains("resblocks.", StringComparison.Ordinal)) continue;
            if (module is MultiHeadAttention)
            {
                var joint = (Parameter)module.get_parameter("in_proj_weight")!;
                long width = joint.shape[1];
                foreach (var (i, target) in new[] { LowRankTargets.Query, LowRankTargets.Key, LowRankTargets.Value }.Index())
                    yield return new LowRankPlace(module, joint, $"{name}.in_proj_weight", target, i * width, width);
            }
            if (module is Linear linear && TargetOf(name, pool) is { } whole)
                yield return new LowRankPlace(module, linear.weight!, $"{name}.weight", whole, 0, linear.weight!.shape[0]);
        }
    }

    private static LowRankTargets? TargetOf(string name, bool pool) => name[(name.LastIndexOf('.') + 1)..] switch
    {
        "q_proj" => LowRankTargets.Query,
        "k_proj" => LowRankTargets.Key,
        "v_proj" => LowRankTargets.Value,
        "c_proj" when pool => LowRankTargets.Output,
        "out_proj" => LowRankTargets.Output,
        "c_fc" => LowRankTargets.MlpIn,
        "c_proj" => LowRankTargets.MlpOut,
        _ => null,
    };
}
