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

    /// <summary>The constants with their values, in the order of the graph.</summary>
    internal IReadOnlyCollection<Initializer> Initializers => _initializers.Values;

    /// <summary>Whether the model has a parameter.</summary>
    internal bool Has(string parameter) => weights.ContainsKey(parameter);

    /// <summary>A parameter as the model has it.</summary>
    internal Tensor Parameter(string parameter) => weights[parameter].detach();

    /// <summary>A parameter as a constant under its own name.</summary>
    internal OnnxValue Weight(string parameter) => Floats(parameter, Parameter(parameter));

    /// <summary>A floating-point constant, in the graph's precision.</summary>
    /// <param name="name">Its name; if the name exists already, the existing constant is used.</param>
    /// <param name="values">The values; they must not change until the graph is written.</param>
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

    /// <summary>A constant in float32, whatever the graph's precision.</summary>
    internal OnnxValue Float32(string name, Tensor values) => Add($"float32 {name}", values, DataType.Float, ScalarType.Float32);

    /// <summary>A scalar constant, in the graph's precision.</summary>
    internal OnnxValue Number(double value)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"number {value:R}");
        return _initializers.ContainsKey(name) ? new OnnxValue(this, name) : Floats(name, tensor(value));
    }

    /// <summary>A constant integer, int64.</summary>
    internal OnnxValue Integer(long value) =>
        Constant(string.Create(CultureInfo.InvariantCulture, $"integer {value}"), () => tensor(value));

    /// <summary>A constant list of integers, int64, such as a shape.</summary>
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

    /// <summary>A constant: its description in the file, and its values, which are converted when they are written.</summary>
    internal sealed record Initializer(TensorProto Proto, Tensor Values, ScalarType Type)
    {
        internal long Bytes => Values.numel() * (Type switch
        {
            ScalarType.Byte or ScalarType.Int8 => 1,
            ScalarType.Float16 => 2,
            ScalarType.Int64 => 8,
            _ => 4,
        });

        /// <summary>Passes the values, converted and in row-major order, to a reader.</summary>
        internal void Read(Action<ReadOnlySpan<byte>> read)
        {
            using var scope = NewDisposeScope();
            read(Values.detach().cpu().to(Type).contiguous().bytes);
        }
    }
}
