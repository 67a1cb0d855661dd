using System.Runtime.InteropServices;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Inference;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace ClipNotebooks.Onnx;

/// <summary>A graph that ONNX Runtime has opened, by the names of its inputs and outputs. Thread-safe.</summary>
internal sealed class OnnxSession : IDisposable
{
    internal const string Pixels = "pixel_values", Patches = "pixel_attention_mask", Grids = "spatial_shapes", Ids = "input_ids",
        Mask = "attention_mask", Types = "token_type_ids";

    private static readonly string[] Known = [Pixels, Patches, Grids, Ids, Mask, Types];

    private readonly InferenceSession _session;
    private readonly string[] _inputs;

    private OnnxSession(string path, InferenceSession session)
    {
        (Path, _session) = (path, session);
        _inputs = [.. session.InputMetadata.Keys];
    }

    /// <summary>The graph's file.</summary>
    internal string Path { get; }

    /// <summary>Opens a file.</summary>
    /// <exception cref="CheckpointException">It is not a graph that can be run, or has an input that no CLIP has.</exception>
    internal static OnnxSession Open(string path, OnnxOptions options)
    {
        InferenceSession session;
        try
        {
            using var asked = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
            if (options.Threads is { } threads) asked.IntraOpNumThreads = threads;
            options.Configure?.Invoke(asked);
            session = new InferenceSession(path, asked);
        }
        catch (OnnxRuntimeException exception)
        {
            throw new CheckpointException($"{path} is no graph that ONNX Runtime can run: {Quote.Cut(exception.Message.Trim())} " +
                "Fetch or export it again.", exception);
        }
        var graph = new OnnxSession(path, session);
        if (graph._inputs.FirstOrDefault(name => !Known.Contains(name)) is not { } other) return graph;
        graph.Dispose();
        throw new CheckpointException($"{path} asks for \"{Quote.Cut(other)}\"; of a CLIP {string.Join(", ", Known)} are known. Export " +
            "the model by its towers, as transformers.js and optimum have them.");
    }

    /// <summary>The fingerprint of the model that the graph was made from; null where it does not say.</summary>
    internal string? Fingerprint => _session.ModelMetadata.CustomMetadataMap.GetValueOrDefault(ModelFingerprint.Key);

    /// <summary>The graph's file, and the files beside it that hold its weights.</summary>
    internal IEnumerable<string> Files => Directory.GetFiles(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!,
        System.IO.Path.GetFileName(Path) + "*").Order(StringComparer.Ordinal);

    internal bool Takes(string input) => _inputs.Contains(input);

    /// <summary>The dimensions of an input or output; −1 for one that is free.</summary>
    internal int[] Sides(string name) =>
        (_session.InputMetadata.TryGetValue(name, out var input) ? input : _session.OutputMetadata[name]).Dimensions;

    /// <summary>The first of these names that is an output of the graph.</summary>
    /// <exception cref="CheckpointException">None of them is an output, or that output is not (B, E).</exception>
    internal string Output(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (!_session.OutputMetadata.TryGetValue(name, out var output)) continue;
            if (output.Dimensions.Length == 2) return name;
            throw new CheckpointException(
                $"{Path} gives \"{name}\" as ({Shape(output.Dimensions)}); (B, E) is needed, a row for each input.");
        }
        string given = Quote.Cut(string.Join(", ", _session.OutputMetadata.Keys));
        throw new CheckpointException($"{Path} gives {given}; {string.Join(" or ", names.ToArray())} is needed. A tower without its " +
            "projection has no embeddings: export the model with it.");
    }

    /// <summary>Runs the graph.</summary>
    /// <param name="inputs">Values (float or long) and shapes by name; those that the graph does not take are left out.</param>
    /// <param name="outputs">The names of the outputs to compute.</param>
    /// <returns>Each output's values, float32, with its shape.</returns>
    /// <exception cref="CheckpointException">The graph cannot be run on these inputs.</exception>
    internal (float[] Values, long[] Shape)[] Run(IReadOnlyDictionary<string, (Array Values, long[] Shape)> inputs, params string[] outputs)
    {
        var fed = _inputs.Select(name => Value(name, inputs[name])).ToList();
        try
        {
            using var options = new RunOptions();
            using var results = _session.Run(options, _inputs, fed, outputs);
            return [.. results.Select(Read)];
        }
        catch (OnnxRuntimeException exception)
        {
            string given = string.Join(", ", _inputs.Select(name => $"{name} ({Quote.Shape(inputs[name].Shape)})"));
            throw new CheckpointException($"{Path} cannot be run on {given}: {Quote.Cut(exception.Message.Trim())}", exception);
        }
        finally
        {
            foreach (var value in fed) value.Dispose();
        }
    }

    public void Dispose() => _session.Dispose();

    /// <summary>An input's values in the type that the graph takes.</summary>
    private OrtValue Value(string name, (Array Values, long[] Shape) input)
    {
        var type = _session.InputMetadata[name].ElementDataType;
        return (input.Values, type) switch
        {
            (float[] values, TensorElementType.Float) => OrtValue.CreateTensorValueFromMemory(values, input.Shape),
            (float[] values, TensorElementType.Float16) => OrtValue.CreateTensorValueFromMemory(
                Array.ConvertAll(values, value => (Float16)value), input.Shape),
            (long[] values, TensorElementType.Int64) => OrtValue.CreateTensorValueFromMemory(values, input.Shape),
            (long[] values, TensorElementType.Int32) => OrtValue.CreateTensorValueFromMemory(
                Array.ConvertAll(values, value => (int)value), input.Shape),
            _ => throw new CheckpointException($"{Path} takes \"{name}\" as {type}, which is not supported. Export it with float32 " +
                "pixels and int64 tokens."),
        };
    }

    private (float[], long[]) Read(OrtValue value)
    {
        var shape = value.GetTensorTypeAndShape();
        return shape.ElementDataType switch
        {
            TensorElementType.Float => (value.GetTensorDataAsSpan<float>().ToArray(), shape.Shape),
            TensorElementType.Float16 => (Wide(MemoryMarshal.Cast<Float16, Half>(value.GetTensorDataAsSpan<Float16>())), shape.Shape),
            var other => throw new CheckpointException($"{Path} gives numbers as {other}; float32 or float16 is needed."),
        };
    }

    private static float[] Wide(ReadOnlySpan<Half> values)
    {
        var wide = new float[values.Length];
        for (int i = 0; i < wide.Length; i++) wide[i] = (float)values[i];
        return wide;
    }

    private static string Shape(int[] sides) => string.Join(", ", sides.Select(side => side < 0 ? "any" : $"{side}"));
}
