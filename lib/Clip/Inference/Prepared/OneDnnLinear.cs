using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// oneDNN's linear layer. libtorch's own <c>linear</c> uses MKL, which on processors other than Intel's leaves half of the AVX-512 rate
/// unused, and reorders bfloat16 weights at each call. oneDNN takes weights that were reordered once, and applies the activation or the
/// residual while the product is still in registers. TorchSharp does not expose these operators; a few lines of TorchScript do (PyTorch,
/// aten/src/ATen/native/mkldnn/Linear.cpp).
/// </summary>
internal sealed class OneDnnLinear : FixedLinear
{
    private const string Methods = """
        def layout(self: __torch__.Operators, weight: Tensor) -> Tensor:
          return ops.mkldnn._reorder_linear_weight(weight, None)
        def linear(self: __torch__.Operators, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
          return ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        def linear_swish(self: __torch__.Operators, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
          return ops.mkldnn._linear_pointwise(x, weight, bias, "swish", [], "")
        def linear_gelu(self: __torch__.Operators, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
          return ops.mkldnn._linear_pointwise(x, weight, bias, "gelu", [], "none")
        def linear_gelu_tanh(self: __torch__.Operators, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
          return ops.mkldnn._linear_pointwise(x, weight, bias, "gelu", [], "tanh")
        def linear_add(self: __torch__.Operators, x: Tensor, y: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
          return ops.mkldnn._linear_pointwise(x, y, weight, bias, "add")
        """;

    private static readonly Lazy<jit.ScriptModule?> Operators = new(Compile);

    private static readonly Lazy<bool> LaysOutBFloat16 = new(TryBFloat16);

    private readonly Tensor _weight, _bias;
    private readonly string _function;

    internal OneDnnLinear(Tensor weight, Tensor bias, Activation? then)
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        _weight = Invoke("layout", weight).DetachFromDisposeScope();
        _bias = bias.clone().DetachFromDisposeScope();
        _function = then switch { null => "linear", Activation.QuickGelu => "linear_swish", Activation.GeluTanh => "linear_gelu_tanh", _ =>
            "linear_gelu" };
    }

    /// <summary>Whether this build of libtorch has oneDNN.</summary>
    internal static bool IsSupported => Operators.Value is not null;

    /// <summary>Whether it has oneDNN, and the processor has what PyTorch requires for bfloat16: AVX-512 or AVX-NE-CONVERT.</summary>
    internal static bool IsSupportedInBFloat16 => LaysOutBFloat16.Value;

    internal override Tensor Call(Tensor x) => Invoke(_function, x, _weight, _bias);

    internal override Tensor CallAndAdd(Tensor x, Tensor y) => Invoke("linear_add", x, y, _weight, _bias);

    public override void Dispose()
    {
        _weight.Dispose();
        _bias.Dispose();
    }

    private static Tensor Invoke(string method, params Tensor[] inputs) => (Tensor)Operators.Value!.invoke(method, inputs)!;

    private static bool TryBFloat16()
    {
        if (!IsSupported) return false;
        using var scope = NewDisposeScope();
        try
        {
            Invoke("layout", zeros(1, 1, dtype: ScalarType.BFloat16));
            return true;
        }
        catch (System.Runtime.InteropServices.ExternalException)
        {
            return false;
        }
    }

    private static jit.ScriptModule? Compile()
    {
        try
        {
            return jit.load(ScriptArchive.Of(Methods));
        }
        catch (System.Runtime.InteropServices.ExternalException)
        {
            return null;
        }
    }
}
