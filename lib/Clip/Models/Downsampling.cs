using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// Halves the grid by the sum of a large and a small depthwise convolution, then applies a 1 × 1 one (FastViT's <c>PatchEmbed</c>).
/// </summary>
internal sealed class Downsampling : Module<Tensor, Tensor>
{
    [ComponentName(Name = "proj")] private readonly Sequential _layers;

    internal Downsampling(int inputs, int outputs, bool squeeze, Device? device) : base(nameof(Downsampling))
    {
        _layers = Sequential(("0", new LargeConvolution(inputs, outputs, squeeze, device)),
            ("1", new BranchedConvolution(outputs, outputs, new BranchedConvolution.Shape { Scale = true, Activated = true }, device)));
        RegisterComponents();
    }

    /// <summary>(B, C, h, w) → (B, C', h / 2, w / 2).</summary>
    public override Tensor forward(Tensor input) => _layers.call(input);

    /// <summary>
    /// The sum of two convolutions of stride 2, 7 × 7 and 3 × 3. The number of outputs may be a multiple of the number of inputs.
    /// </summary>
    private sealed class LargeConvolution : Module<Tensor, Tensor>, IFoldable
    {
        [ComponentName(Name = "large_conv")] private readonly Sequential _large;
        [ComponentName(Name = "small_conv")] private readonly Sequential _small;
        [ComponentName(Name = "se")] private readonly SqueezeExcitation? _squeeze;
        private readonly long _inputs;
        private FoldedConvolution? _folded;

        internal LargeConvolution(int inputs, int outputs, bool squeeze, Device? device) : base(nameof(LargeConvolution))
        {
            _inputs = inputs;
            _large = BranchedConvolution.Normed(inputs, outputs, 7, 2, depthwise: true, device);
            _small = BranchedConvolution.Normed(inputs, outputs, 3, 2, depthwise: true, device);
            if (squeeze) _squeeze = new SqueezeExcitation(outputs, Math.Max(8, (int)(outputs / 4.0 + 4) / 8 * 8), device);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var x = _folded is null ? _large.call(input).Plus(_small.call(input)) : _folded.call(input);
            return functional.gelu(_squeeze is null ? x : _squeeze.call(x)).MoveToOuterDisposeScope();
        }

        /// <inheritdoc/>
        public void Fold()
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var large = FoldedKernel.Of(_large);
            _folded = new FoldedConvolution(large.Plus(FoldedKernel.Of(_small).Padded(large.Weight.shape[^1])), stride: 2, _inputs);
            register_module("folded", _folded);
        }
    }
}
