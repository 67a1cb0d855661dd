using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Export;

/// <summary>A graph in ONNX Runtime.</summary>
internal sealed class RunGraph : IDisposable
{
    private readonly InferenceSession _session;

    internal RunGraph(string path)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        _session = new InferenceSession(path, options);
    }

    /// <summary>The inputs and outputs, each with its shape, −1 for what varies.</summary>
    internal IReadOnlyList<string> Inputs => [.. _session.InputMetadata.Select(Described)];

    internal IReadOnlyList<string> Outputs => [.. _session.OutputMetadata.Select(Described)];

    /// <summary>Runs it; inputs that it does not have are left out.</summary>
    internal Dictionary<string, torch.Tensor> Run(params (string Name, torch.Tensor Value)[] inputs)
    {
        var values = inputs.Where(input => _session.InputMetadata.ContainsKey(input.Name)).Select(input => Value(input.Name, input.Value));
        using var results = _session.Run([.. values]);
        return results.ToDictionary(result => result.Name, result =>
        {
            var output = result.AsTensor<float>();
            return tensor(output.ToArray(), [.. output.Dimensions.ToArray().Select(side => (long)side)]);
        });
    }

    public void Dispose() => _session.Dispose();

    private static NamedOnnxValue Value(string name, torch.Tensor value)
    {
        int[] shape = [.. value.shape.Select(side => (int)side)];
        var flat = value.contiguous();
        return value.dtype == ScalarType.Int64
            ? NamedOnnxValue.CreateFromTensor(name, new DenseTensor<long>(flat.data<long>().ToArray(), shape))
            : NamedOnnxValue.CreateFromTensor(name, new DenseTensor<float>(flat.data<float>().ToArray(), shape));
    }

    private static string Described(KeyValuePair<string, NodeMetadata> entry)
    {
        var sides = entry.Value.Dimensions.Zip(entry.Value.SymbolicDimensions, (side, name) => side < 0 ? name : $"{side}");
        return $"{entry.Key} ({string.Join(", ", sides)})";
    }
}
