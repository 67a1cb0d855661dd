using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// A Vision Transformer's patch embedding as one matrix product: its convolution's windows do not overlap, and the product is as fast as
/// those of the blocks, which the convolution is not (tests/Benchmarks/README.md).
/// </summary>
internal sealed class PreparedPatches : IDisposable
{
    private readonly VisionTransformer _tower;
    private readonly FixedLinear _product;
    private readonly ScalarType _dtype;

    internal PreparedPatches(VisionTransformer tower, ScalarType dtype)
    {
        (_tower, _dtype) = (tower, dtype);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var kernel = tower.get_parameter("conv1.weight")!.detach();                                                     // (D, 3, P, P)
        _product = FixedLinear.Create(kernel.reshape(kernel.shape[0], -1).to(dtype),
            zeros(kernel.shape[0], dtype: dtype, device: kernel.device));
    }

    /// <summary>Pixels, (B, 3, R, R) → the tokens that enter the first block, (B, N, D), float32.</summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    internal Tensor Embed(Tensor pixels)
    {
        Shapes.RequirePixels(pixels, _tower.Config, _tower.InterpolatePositions);
        using var scope = NewDisposeScope();
        long P = _tower.Config.PatchSize, B = pixels.shape[0], rows = pixels.shape[2] / P, columns = pixels.shape[3] / P;
        var whole = pixels.to(_dtype).narrow(2, 0, rows * P).narrow(3, 0, columns * P);  // (B, 3, rows·P, columns·P)
        // (B, N - 1, 3·P²)
        var patches = whole.reshape(B, 3, rows, P, columns, P).permute(0, 2, 4, 1, 3, 5).reshape(B, rows * columns, 3 * P * P);
        return _tower.Assemble(_product.Call(patches).to(float32), rows, columns).MoveToOuterDisposeScope();            // (B, N, D)
    }

    public void Dispose() => _product.Dispose();
}
