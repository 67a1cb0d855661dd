using Microsoft.ML.OnnxRuntime;

namespace ClipNotebooks.Onnx;

/// <summary>How a folder's graphs are opened.</summary>
public sealed record OnnxOptions
{
    /// <summary>Which graphs are taken.</summary>
    public OnnxWeights Weights { get; init; }

    /// <summary>How many threads a graph computes on; as many as ONNX Runtime chooses by default, one for each core.</summary>
    public int? Threads { get; init; }

    /// <summary>
    /// The factor on cosine similarities, where the folder does not tell it: towers alone have none, and the whole graph beside them is
    /// asked for it. OpenAI's published models have 100.
    /// </summary>
    public double? Scale { get; init; }

    /// <summary>What is added to the logits, with <see cref="Scale"/>; 0 by default.</summary>
    public double Bias { get; init; }

    /// <summary>Changes a session's options before its graph is opened: execution providers, profiling.</summary>
    public Action<SessionOptions>? Configure { get; init; }
}
