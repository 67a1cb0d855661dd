using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;
using DataType = Onnx.TensorProto.Types.DataType;

namespace ClipNotebooks.Clip.Export;

/// <summary>The layers of which all towers are made.</summary>
internal sealed partial class OnnxGraph
{
    /// <summary>The zero point of quantised weights, in the middle of a byte's range.</summary>
    private const int Middle = 128;

    private readonly Dictionary<string, OnnxValue[]> _quantised = new(StringComparer.Ordinal);

    /// <summary>(…, I) → (…, O), by a layer's <c>weight</c>, (O, I), and its <c>bias</c> where it has one.</summary>
    internal OnnxValue Linear(OnnxValue x, string layer) =>
        Linear(x, $"{layer}.weight", Parameter($"{layer}.weight"), Has($"{layer}.bias") ? Weight($"{layer}.bias") : null);

    /// <summary>(…, I) → (…, O).</summary>
    /// <param name="x">(…, I).</param>
    /// <param name="name">The weight's name in the graph.</param>
    /// <param name="weight">(O, I).</param>
    /// <param name="bias">(O), or null.</param>
    internal OnnxValue Linear(OnnxValue x, string name, Tensor weight, OnnxValue? bias)
    {
        var product = precision == ExportPrecision.Int8 ? Quantised(x, name, weight) : x.Times(Floats(name, weight.t()));
        return bias is { } added ? product + added : product;
    }

    /// <summary>Rows of a table, (V, D), for ids, (B, L): (B, L, D).</summary>
    internal OnnxValue Embedding(OnnxValue ids, string parameter)
    {
        if (precision != ExportPrecision.Int8) return Node("Gather", [Weight(parameter), ids], ("axis", 0L));
        var table = Parameter(parameter);
        var (bytes, scales) = Rows(table, 127);
        var rows = Node("Gather", [Add(parameter, bytes.to(int8), DataType.Int8, ScalarType.Int8), ids], ("axis", 0L));
        var column = Add($"{parameter} scales", scales.unsqueeze(1), DataType.Float, ScalarType.Float32);
        var scale = Node("Gather", [column, ids], ("axis", 0L));
        return AsFloat(rows) * scale;
    }

    /// <summary>The additive mask, far below 0 for hidden keys and 0 for others: booleans, (B, N) → (B, 1, 1, N).</summary>
    internal OnnxValue Hide(OnnxValue isHidden) => (AsFloat(isHidden) * Hidden).Reshape(0, 1, 1, -1);

    /// <summary>Layer normalisation over the last axis.</summary>
    internal OnnxValue LayerNorm(OnnxValue x, string layer, double epsilon) => Node("LayerNormalization",
        [x, Weight($"{layer}.weight"), Weight($"{layer}.bias")], ("axis", -1L), ("epsilon", epsilon));

    /// <summary>The non-linearity of an MLP.</summary>
    internal OnnxValue Activate(OnnxValue x, Activation activation) => activation switch
    {
        Activation.QuickGelu => x * Node("Sigmoid", x * 1.702),
        Activation.GeluTanh => x * (Node("Tanh", (x + x * x * x * 0.044715) * Math.Sqrt(2 / Math.PI)) + 1) * 0.5,
        _ => Gelu(x),
    };

    /// <summary>x · Φ(x), in the form that runtimes fuse into one operation.</summary>
    internal OnnxValue Gelu(OnnxValue x) => x * (Node("Erf", x / Math.Sqrt(2)) + 1) * 0.5;

    /// <summary>x · sigmoid(x).</summary>
    internal OnnxValue Silu(OnnxValue x) => x * Node("Sigmoid", x);

    /// <summary>A convolution, (B, I, h, w) → (B, O, h / stride, w / stride), with a bias where it has one.</summary>
    /// <param name="x">(B, I, h, w).</param>
    /// <param name="layer">Its <c>weight</c> is (O, I / groups, k, k).</param>
    /// <param name="stride">The stride in both directions.</param>
    /// <param name="padding">Zeros on each side.</param>
    /// <param name="groups">1, or I for a depthwise one.</param>
    internal OnnxValue Convolution(OnnxValue x, string layer, long stride = 1, long padding = 0, long groups = 1)
    {
        OnnxValue[] inputs = [x, Weight($"{layer}.weight"), .. Has($"{layer}.bias") ? [Weight($"{layer}.bias")] : (OnnxValue[])[]];
        return Node("Conv", inputs, ("strides", new[] { stride, stride }), ("pads", new[] { padding, padding, padding, padding }),
            ("group", groups));
    }

    /// <summary>Batch normalisation by the running statistics.</summary>
    internal OnnxValue BatchNorm(OnnxValue x, string layer, double epsilon = 1e-5) => Node("BatchNormalization",
        [x, .. ((string[])["weight", "bias", "running_mean", "running_var"]).Select(part => Weight($"{layer}.{part}"))],
        ("epsilon", epsilon));

    /// <summary>Layer normalisation over the channels of a grid, (B, C, h, w).</summary>
    internal OnnxValue ChannelNorm(OnnxValue x, string layer, double epsilon) =>
        LayerNorm(x.Transpose(0, 2, 3, 1), layer, epsilon).Transpose(0, 3, 1, 2);

    /// <summary>
    /// The product of x, quantised at run time with one scale, and a weight quantised with one scale for each column. Weights are stored as
    /// unsigned bytes around 128: with signed ones, processors without an instruction for such products add two of them in 16 bits, which
    /// saturates.
    /// </summary>
    private OnnxValue Quantised(OnnxValue x, string name, Tensor weight)
    {
        if (!_quantised.TryGetValue(x.Name, out var parts)) _quantised[x.Name] = parts = Nodes("DynamicQuantizeLinear", [x], 3);
        var (bytes, scales) = Rows(weight, 127);
        var columns = Add(name, bytes.Plus((double)Middle).to(uint8).t(), DataType.Uint8, ScalarType.Byte);
        var middle = Add("middle", tensor((byte)Middle), DataType.Uint8, ScalarType.Byte);
        var sums = Node("MatMulInteger", parts[0], columns, parts[2], middle);
        return AsFloat(sums) * (parts[1] * Add($"{name} scales", scales, DataType.Float, ScalarType.Float32));
    }

    /// <summary>Each row as integers times a scale of its own: (O, I) and (O).</summary>
    private static (Tensor Whole, Tensor Scales) Rows(Tensor weight, double most)
    {
        using var scope = NewDisposeScope();
        var values = weight.to(float32);
        var scales = values.abs().amax([1]).Over(most);                                     // (O)
        scales = scales.Where(scales.EqualTo(0), 1);
        var whole = (values / scales.unsqueeze(1)).round();                                 // (O, I)
        return (whole.MoveToOuterDisposeScope(), scales.MoveToOuterDisposeScope());
    }
}
