using System.Globalization;
using Onnx;
using static TorchSharp.torch;
using AttributeType = Onnx.AttributeProto.Types.AttributeType;
using DataType = Onnx.TensorProto.Types.DataType;

namespace ClipNotebooks.Clip.Export;

/// <summary>
/// An ONNX graph under construction: nodes in the order of the forward, and the weights under the model's own names. Operators are those of
/// operator set 17, which runtimes have had since 2022.
/// </summary>
/// <param name="name">The graph's name.</param>
/// <param name="weights">The model's parameters and buffers; they must not change until the graph is written.</param>
/// <param name="precision">The graph's precision.</param>
internal sealed partial class OnnxGraph(string name, IReadOnlyDictionary<string, Tensor> weights, ExportPrecision precision)
{
    internal const int OperatorSet = 17;

    /// <summary>The graph so far, without its constants.</summary>
    internal GraphProto Proto { get; } = new() { Name = name };

    /// <summary>The type of floating-point values in the graph's nodes.</summary>
    private DataType Float => precision == ExportPrecision.Float16 ? DataType.Float16 : DataType.Float;

    /// <summary>
    /// Added to a score to hide a key from attention: its weight after the softmax is 0, and twice the value is still finite.
    /// </summary>
    internal double Hidden => precision == ExportPrecision.Float16 ? -3e4 : -1e9;

    /// <summary>Adds a node of one output.</summary>
    internal OnnxValue Node(string operation, params OnnxValue[] inputs) => Node(operation, inputs, []);

    /// <summary>Adds a node of one output, with attributes.</summary>
    internal OnnxValue Node(string operation, OnnxValue[] inputs, params (string Name, object Value)[] attributes) =>
        Nodes(operation, inputs, 1, attributes)[0];

    /// <summary>Adds a node.</summary>
    /// <param name="operation">The operator.</param>
    /// <param name="inputs">What it takes.</param>
    /// <param name="outputs">How many values it gives.</param>
    /// <param name="attributes">Integers (long), lists of them (long[]) and numbers (double).</param>
    internal OnnxValue[] Nodes(string operation, OnnxValue[] inputs, int outputs, params (string Name, object Value)[] attributes)
    {
        string node = string.Create(CultureInfo.InvariantCulture, $"{operation}_{Proto.Node.Count}");
        string[] names = outputs == 1 ? [node] : [.. Enumerable.Range(0, outputs).Select(i => $"{node}.{i}")];
        var proto = new NodeProto { OpType = operation, Name = node, Input = { inputs.Select(input => input.Name) }, Output = { names } };
        proto.Attribute.AddRange(attributes.Select(Attribute));
        Proto.Node.Add(proto);
        return [.. names.Select(output => new OnnxValue(this, output))];
    }

    /// <summary>An input of floats, taken as float32.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Its dimensions: numbers, or names of those that may vary.</param>
    internal OnnxValue FloatInput(string name, params object[] shape)
    {
        Proto.Input.Add(Described(name, DataType.Float, shape));
        var value = new OnnxValue(this, name);
        return Float == DataType.Float ? value : Cast(value, Float);
    }

    /// <summary>An input of integers, int64.</summary>
    internal OnnxValue IntegerInput(string name, params object[] shape)
    {
        Proto.Input.Add(Described(name, DataType.Int64, shape));
        return new OnnxValue(this, name);
    }

    /// <summary>An output, given as float32.</summary>
    internal void Output(string name, OnnxValue value, params object[] shape)
    {
        Proto.Output.Add(Described(name, DataType.Float, shape));
        var proto = new NodeProto { OpType = "Cast", Name = name, Input = { value.Name }, Output = { name } };
        proto.Attribute.Add(Attribute(("to", (long)DataType.Float)));
        Proto.Node.Add(proto);
    }

    /// <summary>Integers or booleans as floats, in the graph's precision.</summary>
    internal OnnxValue AsFloat(OnnxValue value) => Cast(value, Float);

    /// <summary>Floats as float32; nodes that use them then compute in float32.</summary>
    internal OnnxValue AsFloat32(OnnxValue value) => Float == DataType.Float ? value : Cast(value, DataType.Float);

    /// <summary>Integers or booleans as float32.</summary>
    internal OnnxValue WholeAsFloat32(OnnxValue value) => Cast(value, DataType.Float);

    /// <summary>Booleans as 0 and 1, int64.</summary>
    internal OnnxValue AsInteger(OnnxValue value) => Cast(value, DataType.Int64);

    /// <summary>Integers as booleans: whether each differs from 0.</summary>
    internal OnnxValue AsTruth(OnnxValue value) => Cast(value, DataType.Bool);

    /// <summary>Integers or booleans as int32, which every operator takes.</summary>
    internal OnnxValue AsSmallInteger(OnnxValue value) => Cast(value, DataType.Int32);

    /// <summary>Concatenates values along an axis.</summary>
    internal OnnxValue Concat(long axis, params OnnxValue[] parts) => Node("Concat", parts, ("axis", axis));

    /// <summary>Repeats a value for each row: (1, n, D) → (B, n, D).</summary>
    /// <param name="value">(1, n, D).</param>
    /// <param name="rows">B, (1).</param>
    internal OnnxValue Repeat(OnnxValue value, OnnxValue rows) =>
        Node("Expand", value, Concat(0, rows, Integers(1, 1)));

    private OnnxValue Cast(OnnxValue value, DataType type) => Node("Cast", [value], ("to", (long)type));

    private static ValueInfoProto Described(string name, DataType type, object[] shape) => new()
    {
        Name = name,
        Type = new TypeProto
        {
            TensorType = new TypeProto.Types.Tensor
            {
                ElemType = (int)type,
                Shape = new TensorShapeProto
                {
                    Dim = { shape.Select(side => side is string varying
                        ? new TensorShapeProto.Types.Dimension { DimParam = varying }
                        : new TensorShapeProto.Types.Dimension { DimValue = Convert.ToInt64(side, CultureInfo.InvariantCulture) }) },
                },
            },
        },
    };

    private static AttributeProto Attribute((string Name, object Value) attribute) => attribute.Value switch
    {
        long number => new AttributeProto { Name = attribute.Name, Type = AttributeType.Int, I = number },
        double number => new AttributeProto { Name = attribute.Name, Type = AttributeType.Float, F = (float)number },
        long[] numbers => new AttributeProto { Name = attribute.Name, Type = AttributeType.Ints, Ints = { numbers } },
        var other => throw new ArgumentException($"The attribute {attribute.Name} is a {other.GetType()}, which is not written."),
    };
}
