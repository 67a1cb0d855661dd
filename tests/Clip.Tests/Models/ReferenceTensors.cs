using System.Text.Json;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Models;

/// <summary>The tensors of one reference file, read apart from the library so that the models' tests stand on their own.</summary>
internal sealed class ReferenceTensors : IDisposable
{
    private readonly Dictionary<string, Tensor> _tensors = [];

    internal ReferenceTensors(params string[] parts)
    {
        byte[] file = File.ReadAllBytes(Repository.Reference(["models", .. parts]));
        int start = 8 + (int)BitConverter.ToUInt64(file);
        using var header = JsonDocument.Parse(file.AsMemory(8, start - 8));
        foreach (var entry in header.RootElement.EnumerateObject().Where(e => e.Name != "__metadata__"))
        {
            long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64())];
            long[] range = [.. entry.Value.GetProperty("data_offsets").EnumerateArray().Select(o => o.GetInt64())];
            var type = entry.Value.GetProperty("dtype").GetString(
                ) switch { "F32" => float32, "F64" => float64, "I64" => int64, var other => throw new NotSupportedException(other) };
            var value = empty(shape, dtype: type).DetachFromDisposeScope();
            value.bytes = file.AsSpan(start + (int)range[0], (int)(range[1] - range[0]));
            _tensors[entry.Name] = value;
        }
    }

    internal IReadOnlyCollection<string> Names => _tensors.Keys;

    internal Tensor this[string name] => _tensors[name];

    public void Dispose()
    {
        foreach (var tensor in _tensors.Values) tensor.Dispose();
    }

    /// <summary>Copies every tensor into the model: names and shapes must be the model's, all of them.</summary>
    internal void LoadInto(nn.Module model)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var state = model.state_dict();
        Assert.Equal(Names.Order(StringComparer.Ordinal), state.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, value) in state)
        {
            Assert.True(value.shape.SequenceEqual(this[name].shape), name);
            value.copy_(this[name]);
        }
    }
}
