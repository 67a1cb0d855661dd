using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>A block that mixes the grid's cells by a depthwise convolution (FastViT's <c>RepMixerBlock</c>).</summary>
internal sealed class RepMixerBlock : Module<Tensor, Tensor>
{
    [ComponentName(Name = "token_mixer")] private readonly Mixer _mixer;
    [ComponentName(Name = "mlp")] private readonly GridMlp _mlp;
    [ComponentName(Name = "layer_scale")] private readonly GridScale _scale;

    internal RepMixerBlock(int width, int hidden, Device? device) : base(nameof(RepMixerBlock))
    {
        _mixer = new Mixer(width, device);
        _mlp = new GridMlp(width, hidden, device);
        _scale = new GridScale(width, device);
        RegisterComponents();
    }

    /// <summary>(B, C, h, w) → (B, C, h, w).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = _mixer.call(input);
        return x.Plus(_scale.call(_mlp.call(x))).MoveToOuterDisposeScope();
    }

    private sealed class Mixer : Module<Tensor, Tensor>, IFoldable
    {
        [ComponentName(Name = "norm")] private readonly BranchedConvolution _norm;
        [ComponentName(Name = "mixer")] private readonly BranchedConvolution _mixer;
        [ComponentName(Name = "layer_scale")] private readonly GridScale _scale;
        private FoldedConvolution? _folded;

        internal Mixer(int width, Device? device) : base("RepMixer")
        {
            var shape = new BranchedConvolution.Shape { Size = 3, Depthwise = true };
            _norm = new BranchedConvolution(width, width, shape with { Convolves = false }, device);
            _mixer = new BranchedConvolution(width, width, shape with { Scale = true }, device);
            _scale = new GridScale(width, device);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            if (_folded is not null) return _folded.call(input);
            using var scope = NewDisposeScope();
            return input.Plus(_scale.call(_mixer.call(input).Minus(_norm.call(input)))).MoveToOuterDisposeScope();
        }

        /// <inheritdoc/>
        public void Fold()
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var added = _mixer.Kernel().Minus(_norm.Kernel()).Times(_scale.get_parameter("gamma")!.detach());
            long channels = added.Weight.shape[0];
            var input = new FoldedKernel(ones_like(added.Weight.narrow(2, 0, 1).narrow(3, 0, 1)), zeros_like(added.Bias));
            _folded = new FoldedConvolution(input.Padded(added.Weight.shape[^1]).Plus(added), stride: 1, channels);
            register_module("folded", _folded);
        }
    }
}
