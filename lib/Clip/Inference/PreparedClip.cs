using ClipNotebooks.Clip.Base;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference.Prepared;
using ClipNotebooks.Clip.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <summary>
/// A CLIP for inference alone, made from a <see cref="ClipModel"/> by <see cref="Prepare"/>: the transformers' weights are taken over in one precision and laid out for the processor once. The model has to live as
/// long, since what stands before and after the blocks is used from it; its later changes are not seen. Thread-safe: disposed
/// while other threads encode, it frees its weights once they have ended.
/// </summary>
public sealed class PreparedClip : IDisposable
{
    /// <summary>16 images of ViT-B/32: in bfloat16 faster than 4, 8 or 12, in float32 alike, on two cores with 32 MB of cache (tests/Benchmarks/README.md).</summary>
    private const int TokensAtATime = 800;

    private readonly Func<Tensor, Tensor> _image, _text;
    private readonly List<IDisposable> _parts = [];
    private readonly UseGate _gate;

    private PreparedClip(ClipModel model, Precision precision, string reason)
    {
        var (config, device) = (model.Config, model.LogitScale.device_type);
        var dtype = precision switch { Precision.BFloat16 => ScalarType.BFloat16, Precision.Float16 => ScalarType.Float16, _ => ScalarType.Float32 };
        bool Packed(BlockShape shape) => precision == Precision.Float32 && device == DeviceType.CPU && PackedTransformer.IsSupported(shape);
        List<string> plain = [];
        _image = model.ImageTower switch
        {
            VisionTransformer tower when config.Vision.IsClips => Packed(config.VisionBlock) ? PackedImage(tower) : Image(tower),
            VisionTransformer tower when HasClipsBlocks(config) => ImageBlocks(tower),
            FastVit tower => Folded(tower),
            ModifiedResNet => model.EncodeImage,
            var tower => Plain(tower, config.Vision.Tokens, () => ClipModel.MakeImageTower(config, META), "the image tower"),
        };
        _text = config.Text.IsClips ? Packed(config.TextBlock) ? PackedText() : Text()
            : ReadsByClipsBlocks(config) ? TextBlocks()
            : Plain(model.Text, config.Text.ContextLength, () => new TextTransformer(config, META), "the text tower");
        Precision = precision;
        _gate = new UseGate(this, Free);
        if (plain.Count > 0) reason += $"; {string.Join(" and ", plain)} in the model's own form, which has no other";
        string products = Packed(config.TextBlock) ? "this library, for AVX-512" : FixedLinear.UsesOneDnn(dtype, device) ? "oneDNN" : "libtorch";
        Description = $"{dtype}, products by {products}: {reason}";

        // Towers whose blocks are not CLIP's own: the module itself in float32, a copy of it in another element type. Ids, and patches with
        // their places, which bfloat16 would round, are taken as they are.
        Func<Tensor, Tensor> Plain(nn.Module<Tensor, Tensor> tower, long tokens, Func<nn.Module<Tensor, Tensor>> make, string name)
        {
            plain.Add(name);
            bool takesNumbers = tower is not TextTransformer && config.Vision.Stem != PatchStem.FlatPatches;
            var form = dtype == ScalarType.Float32 ? tower : Part(MetaMemory.Copy(tower, make(), dtype));
            return inputs => InParts(inputs, tokens, part => form.call(takesNumbers ? part.to(dtype) : part).to(float32));
        }

        // A copy whose branches are one convolution each.
        Func<Tensor, Tensor> Folded(FastVit tower)
        {
            var form = Part(MetaMemory.Copy(tower, new FastVit(config, META), ScalarType.Float32));
            form.Fold();
            form.to(dtype);
            return pixels => InParts(pixels, config.Vision.Tokens, part => form.call(part.to(dtype)).to(float32));
        }

        // CLIP's blocks between other embeddings and pools, which stay the model's own.
        Func<Tensor, Tensor> ImageBlocks(VisionTransformer tower)
        {
            var blocks = Part(new PreparedTransformer(tower.Transformer, config.VisionBlock, causal: false, dtype, pools: false));
            return pixels => InParts(pixels, config.Vision.Tokens, part =>
            {
                var (x, mask) = tower.Enter(part);
                return tower.Finish(blocks.RunWhole(x, mask), mask);
            });
        }

        Func<Tensor, Tensor> TextBlocks()
        {
            var tower = model.Text;
            var blocks = Part(new PreparedTransformer(tower.Transformer, config.TextBlock, config.Text.Causal, dtype, pools: false));
            return ids => InParts(ids, ids.shape[^1], part =>
                tower.Finish(blocks.RunWhole(tower.Embed(part), tower.Mask(part, ScalarType.Float32)), part));
        }

        Func<Tensor, Tensor> PackedImage(VisionTransformer tower) => Part(new PackedImageTower(tower, config.VisionBlock)).Encode;

        Func<Tensor, Tensor> PackedText() => Part(new PackedTextTower(model.Text, config.TextBlock)).Encode;

        Func<Tensor, Tensor> Image(VisionTransformer tower)
        {
            var (patches, blocks) = (Part(new PreparedPatches(tower, dtype)), Part(new PreparedTransformer(tower.Transformer, config.VisionBlock, causal: false, dtype)));
            return pixels => InParts(pixels, config.Vision.Tokens, part => tower.Project(blocks.Run(patches.Embed(part), null)));
        }

        Func<Tensor, Tensor> Text()
        {
            var (tower, blocks) = (model.Text, Part(new PreparedTransformer(model.Text.Transformer, config.TextBlock, causal: true, dtype)));
            return ids => InParts(ids, ids.shape[^1], part => tower.Project(blocks.Run(tower.Embed(part), tower.EndPositions(part))));
        }

        T Part<T>(T part) where T : IDisposable
        {
            _parts.Add(part);
            return part;
        }
    }

    /// <summary>Whether an image tower has CLIP's own blocks, and positions that do not turn.</summary>
    private static bool HasClipsBlocks(ClipConfig config) =>
        config.Vision is { IsTransformer: true, Rotary: null } && PreparedTransformer.IsSupported(config.VisionBlock);

    /// <summary>Whether a text tower has them, and hides nothing beside what comes later.</summary>
    private static bool ReadsByClipsBlocks(ClipConfig config) => PreparedTransformer.IsSupported(config.TextBlock)
        && (!config.Text.Causal || config.Text is { MaskPadding: false, AppendedClassToken: false });

    /// <summary>What the blocks run in: never <see cref="Precision.Auto"/>.</summary>
    public Precision Precision { get; }

    /// <summary>What was chosen, and why, in a line.</summary>
    public string Description { get; }

    /// <summary>Makes the prepared form of a model. Towers that are not CLIP's own keep the model's form, in the precision.</summary>
    /// <param name="model">In float32.</param>
    /// <param name="precision">The element type of the blocks.</param>
    /// <exception cref="ArgumentException">The model's weights are not in float32.</exception>
    public static PreparedClip Prepare(ClipModel model, Precision precision = Precision.Auto) => Held(model, precision, null);

    /// <param name="model">In float32.</param>
    /// <param name="precision">The element type of the blocks.</param>
    /// <param name="hold">What keeps the model: let go with the prepared weights, or where there are none.</param>
    internal static PreparedClip Held(ClipModel model, Precision precision, IDisposable? hold)
    {
        try
        {
            var prepared = Prepared(model, precision);
            if (hold is not null) prepared._parts.Add(hold);
            return prepared;
        }
        catch
        {
            hold?.Dispose();
            throw;
        }
    }

    private static PreparedClip Prepared(ClipModel model, Precision precision)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.LogitScale.dtype != ScalarType.Float32)
            throw new ArgumentException($"The model's weights are in {model.LogitScale.dtype}; a prepared form is made from float32 (load it without a dtype).", nameof(model));
        var (chosen, reason) = precision == Precision.Auto ? PrecisionProbe.Choose(model.LogitScale.device_type) : (precision, "as asked for");
        return new PreparedClip(model, chosen, reason);
    }

    /// <summary>Pixels, (B, 3, R, R), float32, normalised → (B, E), float32, not normalised; without a gradient.</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    /// <exception cref="ObjectDisposedException">The prepared form was disposed.</exception>
    public Tensor EncodeImage(Tensor pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        using var use = _gate.Enter();
        using var _ = inference_mode();
        return _image(pixels);
    }

    /// <summary>Token ids, (B, L), int64 → (B, E), float32, not normalised; without a gradient. The shorter the rows, the faster: cut them to the longest caption.</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    /// <exception cref="ObjectDisposedException">The prepared form was disposed.</exception>
    public Tensor EncodeText(Tensor ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        using var use = _gate.Enter();
        using var _ = inference_mode();
        return _text(ids);
    }

    /// <summary>On a processor, as many rows at a time as keep a block's activations in its cache.</summary>
    private static Tensor InParts(Tensor rows, long tokens, Func<Tensor, Tensor> encode)
    {
        using var scope = NewDisposeScope();
        long count = rows.shape[0], each = rows.device_type == DeviceType.CPU ? Math.Max(1, TokensAtATime / Math.Max(1, tokens)) : count;
        if (count <= each) return encode(rows).MoveToOuterDisposeScope();
        List<Tensor> parts = [];
        for (long start = 0; start < count; start += each)
        {
            using var inner = NewDisposeScope();
            parts.Add(encode(rows.narrow(0, start, Math.Min(each, count - start))).MoveToOuterDisposeScope());
        }
        return cat(parts, 0).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the prepared weights, once the calls under way have ended; the model stays.</summary>
    public void Dispose() => _gate.Close();

    private void Free()
    {
        foreach (var part in _parts) part.Dispose();
    }
}
