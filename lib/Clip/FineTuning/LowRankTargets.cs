namespace ClipNotebooks.Clip.FineTuning;

/// <summary>
/// Which matrices of a transformer's blocks, and of a ResNet's attention pool, get low-rank adapters; the names in brackets are
/// transformers'.
/// </summary>
[Flags]
public enum LowRankTargets
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Attention's queries (<c>q_proj</c>).</summary>
    Query = 1,

    /// <summary>Attention's keys (<c>k_proj</c>).</summary>
    Key = 2,

    /// <summary>Attention's values (<c>v_proj</c>).</summary>
    Value = 4,

    /// <summary>Attention's output (<c>out_proj</c>; of a ResNet's pool <c>c_proj</c>).</summary>
    Output = 8,

    /// <summary>The MLP's first layer (<c>fc1</c>).</summary>
    MlpIn = 16,

    /// <summary>The MLP's second layer (<c>fc2</c>).</summary>
    MlpOut = 32,

    /// <summary>The four of attention.</summary>
    Attention = Query | Key | Value | Output,

    /// <summary>All six.</summary>
    All = Attention | MlpIn | MlpOut,
}
