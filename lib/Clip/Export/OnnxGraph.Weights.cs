using System.Globalization;
using Onnx;
using TorchSharp;
using static TorchSharp.torch;
using DataType = Onnx.TensorProto.Types.DataType;

namespace ClipNotebooks.Clip.Export;

/// <summary>The graph's constants.</summary>
internal sealed partial class OnnxGraph
{
    /// <summary>The largest float16.</summary>
    private const double LargestHalf = 65504;

    private readonly Dictionary<string, Initializer> _initializers = new(StringComparer.Ordinal);

    /// <summary>Constants with their numbers, in the order of the graph.</summary>
    internal IReadOnlyCollection<Initializer> Initializers => _initializers.Values;

    /// <summary>Whether the model has a parameter.</summary>
    internal bool Has(string parameter) => weights.ContainsKey(parameter);

    /// <summary>A parameter as the model has it.</summary>
    internal Tensor Parameter(string parameter) => weights[parameter].detach();

    /// <summary>A parameter as a constant under its own name.</summary>
    internal OnnxValue Weight(string parameter) => Floats(parameter, Parameter(parameter));

    /// <summary>A constant of floats, in the graph's own.</summary>
    /// <param name="name">Its name; the first of a name is kept.</param>
    /// <param name="values">Stay as they are until the graph is written.</param>
    /// <exception cref="NotSupportedException">A number is too large for float16.</exception>
    internal OnnxValue Floats(string name, Tensor values)
    {
        if (Float == DataType.Float) return Add(name, values, DataType.Float, ScalarType.Float32);
        using (NewDisposeScope())
        {
            double largest = values.numel() == 0 ? 0 : values.abs().max().to(float64).ToDouble();
            if (largest > LargestHalf)
            {
                throw new NotSupportedException(string.Create(CultureInfo.InvariantCulture,
                    $"\"{name}\" has a number of magnitude {largest:G4}, and float16 ends at {LargestHalf}: --precision float32 works."));
            }
        }
        return Add(name, values, DataType.Float16, ScalarType.Float16);
    }

    /// <summary>A constant in float32, whatever the graph's floats are.</summary>
    internal OnnxValue Float32(string name, Tensor values) => Add($"float32 {name}", values, DataType.Float, ScalarType.Float32);

    /// <summary>A number, in the graph's floats.</summary>
    internal OnnxValue Number(double value)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"number {value:R}");
        return _initializers.ContainsKey(name) ? new OnnxValue(this, name) : Floats(name, tensor(value));
    }

    /// <summary>A whole number, int64.</summary>
    internal OnnxValue Integer(long value) =>
        Constant(string.Create(CultureInfo.InvariantCulture, $"integer {value}"), () => tensor(value));

    /// <summary>A list of whole numbers, int64, such as a shape.</summary>
    internal OnnxValue Integers(params long[] values) =>
        Constant(string.Create(CultureInfo.InvariantCulture, $"integers {string.Join(' ', values)}"), () => tensor(values));

    private OnnxValue Constant(string name, Func<Tensor> make) =>
        _initializers.ContainsKey(name) ? new OnnxValue(this, name) : Add(name, make(), DataType.Int64, ScalarType.Int64);

    private OnnxValue Add(string name, Tensor values, DataType type, ScalarType element)
    {
        if (_initializers.ContainsKey(name)) return new OnnxValue(this, name);
        var proto = new TensorProto { Name = name, DataType = (int)type, Dims = { values.shape } };
        _initializers.Add(name, new Initializer(proto, values, element));
        return new OnnxValue(this, name);
    }

    /// <summary>A constant: what the file says of it, and its numbers, which are converted when they are written.</summary>
    internal sealed record Initializer(TensorProto Proto, Tensor Values, ScalarType Type)
    {
        internal long Bytes => Values.numel() * (Type switch
        {
            ScalarType.Byte or ScalarType.Int8 => 1,
            ScalarType.Float16 => 2,
            ScalarType.Int64 => 8,
            _ => 4,
        });

        /// <summary>Hands the numbers to a reader, row by row.</summary>
        internal void Read(Action<ReadOnlySpan<byte>> read)
        {
            using var scope = NewDisposeScope();
            read(Values.detach().cpu().to(Type).contiguous().bytes);
        }
    }
}
