using Microsoft.ML.OnnxRuntime;

namespace ClipNotebooks.Onnx;

/// <summary>How a folder's graphs are opened.</summary>
public sealed record OnnxOptions
{
    /// <summary>Which graphs are used.</summary>
    public OnnxWeights Weights { get; init; }

    /// <summary>How many threads a graph computes on; by default as many as ONNX Runtime chooses, one for each core.</summary>
    public int? Threads { get; init; }

    /// <summary>
    /// The factor on cosine similarities, for folders that do not tell it: the graphs of the towers alone do not contain it; if the whole
    /// model's graph is beside them, it is taken from that. OpenAI's published models have 100.
    /// </summary>
    public double? Scale { get; init; }

    /// <summary>What is added to the logits; used only together with <see cref="Scale"/>. 0 by default.</summary>
    public double Bias { get; init; }

    /// <summary>Changes a session's options before its graph is opened: execution providers, profiling.</summary>
    public Action<SessionOptions>? Configure { get; init; }
}
