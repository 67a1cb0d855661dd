using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference.Prepared;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Base;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <summary>
/// One tower of a CLIP for inference alone: its blocks' weights are taken over in one precision and laid out for the processor once. The
/// tower has to live as long, since what stands before and after the blocks is used from it; its later changes are not seen. Thread-safe:
/// disposed while other threads encode, it frees its weights once they have ended.
/// </summary>
public sealed class PreparedTower : IDisposable
{
    /// <summary>
    /// 16 images of ViT-B/32: in bfloat16 faster than 4, 8 or 12, in float32 alike, on two cores with 32 MB of cache
    /// (tests/Benchmarks/README.md).
    /// </summary>
    private const int TokensAtATime = 800;

    private readonly Func<Tensor, Tensor> _encode;
    private readonly List<IDisposable> _parts = [];
    private readonly UseGate _gate;
    private readonly bool _packs;

    /// <param name="tower">In float32.</param>
    /// <param name="config">The whole model's shape, for image towers that are made from it alone.</param>
    /// <param name="precision">Of the blocks; not <see cref="Precision.Auto"/>.</param>
    /// <param name="reason">Why this one.</param>
    internal PreparedTower(nn.Module<Tensor, Tensor> tower, ClipConfig? config, Precision precision, string reason)
    {
        var first = tower.parameters().First();
        if (first.dtype != ScalarType.Float32)
        {
            throw new ArgumentException($"The weights are in {first.dtype}; a prepared form is made from float32 (load the model " +
                "without a dtype).", nameof(tower));
        }
        var device = first.device_type;
        Precision = precision;
        ElementType = precision switch
        {
            Precision.BFloat16 => ScalarType.BFloat16,
            Precision.Float16 => ScalarType.Float16,
            _ => ScalarType.Float32,
        };
        _packs = precision == Precision.Float32 && device == DeviceType.CPU;
        _encode = tower switch
        {
            VisionTransformer images => Images(images),
            TextTransformer texts => Texts(texts),
            FastVit images => Folded(images, config!),
            ModifiedResNet => tower.call,
            _ => Plain(tower, () => ClipModel.MakeImageTower(config!, META), config!.Vision.Tokens, takesNumbers: true),
        };
        Products = _parts.Any(part => part is PackedTower or PackedBlocks) ? PackedClipEncoder.Products
            : FixedLinear.UsesOneDnn(ElementType, device) ? "oneDNN" : "libtorch";
        Description = $"{ElementType}, products by {Products}: {reason}{(IsPlain ? "; in the tower's own form, which has no other" : "")}";
        _gate = new UseGate(this, Free);
    }

    /// <summary>What the blocks run in: never <see cref="Precision.Auto"/>.</summary>
    public Precision Precision { get; }

    /// <summary>What was chosen, and why, in a line.</summary>
    public string Description { get; }

    /// <summary>Whether the tower runs in its own form, in the precision, since its blocks are not CLIP's.</summary>
    internal bool IsPlain { get; private set; }

    /// <summary>The same as libtorch calls it.</summary>
    internal ScalarType ElementType { get; }

    /// <summary>What multiplies.</summary>
    internal string Products { get; }

    /// <summary>Makes the prepared form of an image tower, which may stand alone (<c>ClipCheckpoint.VisionFromPretrained</c>).</summary>
    /// <param name="tower">In float32.</param>
    /// <param name="precision">The element type of the blocks.</param>
    /// <exception cref="ArgumentException">The tower's weights are not in float32.</exception>
    /// <exception cref="InvalidOperationException">The tower has low-rank adapters that are not merged.</exception>
    public static PreparedTower Prepare(VisionTransformer tower, Precision precision = Precision.Auto) =>
        Chosen(tower, tower?.Transformer, precision);

    /// <summary>Makes the prepared form of a text tower, which may stand alone (<c>ClipCheckpoint.TextFromPretrained</c>).</summary>
    /// <param name="tower">In float32.</param>
    /// <param name="precision">The element type of the blocks.</param>
    /// <exception cref="ArgumentException">The tower's weights are not in float32.</exception>
    /// <exception cref="InvalidOperationException">The tower has low-rank adapters that are not merged.</exception>
    public static PreparedTower Prepare(TextTransformer tower, Precision precision = Precision.Auto) =>
        Chosen(tower, tower?.Transformer, precision);

    private static PreparedTower Chosen(nn.Module<Tensor, Tensor> tower, Transformer? blocks, Precision precision)
    {
        ArgumentNullException.ThrowIfNull(tower);
        if (blocks is { UnmergedAdapters: > 0 }) throw ClipModel.Unmerged("tower", "its prepared form");
        var (chosen, reason) = Choice(precision, tower.parameters().First().device_type);
        return new PreparedTower(tower, null, chosen, reason);
    }

    /// <summary>What a precision means where the weights are.</summary>
    internal static (Precision Precision, string Reason) Choice(Precision precision, DeviceType device) =>
        precision == Precision.Auto ? PrecisionProbe.Choose(device) : (precision, "as asked for");

    /// <summary>What the tower's own forward gives of the same, in float32, not normalised; without a gradient.</summary>
    /// <param name="inputs">
    /// Pixels, (B, 3, R, R), float32, normalised, or token ids, (B, L), int64: of these the shorter the rows, the faster.
    /// </param>
    /// <returns>(B, E), or (B, D) where the tower has no projection; the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    /// <exception cref="ObjectDisposedException">The prepared form was disposed.</exception>
    public Tensor Encode(Tensor inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        using var use = _gate.Enter();
        using var _ = inference_mode();
        return _encode(inputs);
    }

    private Func<Tensor, Tensor> Images(VisionTransformer tower)
    {
        var (config, shape) = (tower.Config, tower.Transformer.Shape);
        bool packs = _packs && PackedTransformer.IsSupported(shape);
        if (config.IsClips && packs) return Packed(tower, shape);
        if (config.Rotary is not null || !PreparedTransformer.IsSupported(shape))
        {
            return Plain(tower, () => new VisionTransformer(config, shape with { Device = META }, tower.EmbeddingWidth)
                { InterpolatePositions = tower.InterpolatePositions }, config.Tokens,
                takesNumbers: config.Stem != PatchStem.FlatPatches);
        }
        if (config.IsClips)
        {
            var blocks = Part(new PreparedTransformer(tower.Transformer, shape, causal: false, ElementType, pools: true));
            var patches = Part(new PreparedPatches(tower, ElementType));
            return pixels => InParts(pixels, config.Tokens, part => tower.Project(blocks.Run(patches.Embed(part), null)));
        }
        // CLIP's blocks between other embeddings and pools, which stay the tower's own.
        var run = Blocks(tower.Transformer, shape, causal: false, packs);
        return pixels => InParts(pixels, config.Tokens, part =>
        {
            var (x, mask) = tower.Enter(part);
            return tower.Finish(run(x, mask), mask);
        });
    }

    private Func<Tensor, Tensor> Texts(TextTransformer tower)
    {
        var (config, shape) = (tower.Config, tower.Transformer.Shape);
        bool packs = _packs && PackedTransformer.IsSupported(shape);
        if (config.IsClips && packs) return Packed(tower, shape);
        // A causal tower that hides more than what comes later needs both masks at once, which the prepared blocks have not.
        bool hidesMore = config.Causal && (config.MaskPadding || config.AppendedClassToken);
        if (hidesMore || !PreparedTransformer.IsSupported(shape))
        {
            return Plain(tower, () => new TextTransformer(config, shape with { Device = META }, tower.EmbeddingWidth), config.ContextLength,
                takesNumbers: false);
        }
        if (config.IsClips)
        {
            var blocks = Part(new PreparedTransformer(tower.Transformer, shape, config.Causal, ElementType, pools: true));
            return ids => InParts(ids, ids.shape[^1], part =>
                tower.Project(blocks.Run(tower.Embed(part), tower.EndPositions(part))));
        }
        // A token that is hidden may be the pooled one, so that a text's mask cannot stand for fewer tokens.
        var run = Blocks(tower.Transformer, shape, config.Causal, packs && !config.MaskPadding && !config.AppendedClassToken);
        return ids => InParts(ids, ids.shape[^1], part =>
            tower.Finish(run(tower.Embed(part), tower.Mask(part, ScalarType.Float32)), part));
    }

    /// <summary>This library's own form of an image tower; libtorch holds what goes in and what comes out.</summary>
    private unsafe Func<Tensor, Tensor> Packed(VisionTransformer tower, BlockShape shape)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        float[] own = Read(tower.Config.Grid, tower.Config.Grid);
        var packed = Part(new PackedImageTower(new ModuleWeights(tower), tower.Config, shape, tower.EmbeddingWidth, Positions,
            get_num_threads));
        return pixels =>
        {
            Shapes.RequirePixels(pixels, tower.Config, tower.InterpolatePositions);
            using var inner = NewDisposeScope();
            var values = pixels.to(float32).detach().contiguous();
            var (B, height, width) = ((int)values.shape[0], (int)values.shape[2], (int)values.shape[3]);
            fixed (byte* first = values.bytes)
            {
                var images = new nint[B];
                for (int i = 0; i < B; i++) images[i] = (nint)first + sizeof(float) * 3 * (nint)height * width * i;
                return tensor(packed.Encode(images, height, width), [B, packed.Width]).MoveToOuterDisposeScope();
            }
        };

        // Those of the tower's own grid are kept.
        float[] Positions(int rows, int columns) => (rows, columns) == (tower.Config.Grid, tower.Config.Grid) ? own : Read(rows, columns);

        float[] Read(int rows, int columns)
        {
            using var inner = NewDisposeScope();
            return tower.PositionsFor(rows, columns)!.Values().ToArray();
        }
    }

    /// <summary>The same of a text tower.</summary>
    private unsafe Func<Tensor, Tensor> Packed(TextTransformer tower, BlockShape shape)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var packed = Part(new PackedTextTower(new ModuleWeights(tower), tower.Config, shape, tower.EmbeddingWidth, Vocabulary,
            get_num_threads));
        return ids =>
        {
            tower.RequireIds(ids);
            using var inner = NewDisposeScope();
            var rows = packed.Encode(ids.to(int64).contiguous().data<long>().ToArray(), (int)ids.shape[1]);
            return tensor(rows, [ids.shape[0], packed.Width]).MoveToOuterDisposeScope();
        };

        nint Vocabulary()
        {
            using var inner = NewDisposeScope();
            // Of a parameter that is not contiguous there are no bytes: no pointer into a copy leaves this scope.
            fixed (byte* values = tower.get_parameter("token_embedding.weight")!.detach().bytes) return (nint)values;
        }
    }

    /// <summary>The tower itself in float32, a copy of it in another element type.</summary>
    /// <param name="tower">Its blocks are not CLIP's own.</param>
    /// <param name="make">One of the same shape, on <c>meta</c>.</param>
    /// <param name="tokens">Of an image or a caption.</param>
    /// <param name="takesNumbers">
    /// Whether what goes in is converted: ids, and patches with their places, which bfloat16 would round, are taken as they are.
    /// </param>
    private Func<Tensor, Tensor> Plain(
        nn.Module<Tensor, Tensor> tower, Func<nn.Module<Tensor, Tensor>> make, long tokens, bool takesNumbers)
    {
        IsPlain = true;
        var form = ElementType == ScalarType.Float32 ? tower : Part(MetaMemory.Copy(tower, make(), ElementType));
        return inputs => InParts(inputs, tokens, part => form.call(takesNumbers ? part.to(ElementType) : part).to(float32));
    }

    /// <summary>A copy whose branches are one convolution each.</summary>
    private Func<Tensor, Tensor> Folded(FastVit tower, ClipConfig config)
    {
        var form = Part(MetaMemory.Copy(tower, new FastVit(config, META), ScalarType.Float32));
        form.Fold();
        form.to(ElementType);
        return pixels => InParts(pixels, config.Vision.Tokens, part => form.call(part.to(ElementType)).to(float32));
    }

    /// <summary>All tokens, (B, N, D), and what hides those that are none → all of them after the last block.</summary>
    private Func<Tensor, Tensor?, Tensor> Blocks(Transformer transformer, BlockShape shape, bool causal, bool packs) =>
        packs ? Part(new PackedBlocks(transformer, shape, causal)).Run
            : Part(new PreparedTransformer(transformer, shape, causal, ElementType, pools: false)).RunWhole;

    private T Part<T>(T part) where T : IDisposable
    {
        _parts.Add(part);
        return part;
    }

    /// <summary>On a processor, as many rows at a time as keep a block's activations in its cache.</summary>
    private static Tensor InParts(Tensor rows, long tokens, Func<Tensor, Tensor> encode)
    {
        using var scope = NewDisposeScope();
        long count = rows.shape[0];
        long each = rows.device_type == DeviceType.CPU ? Math.Max(1, TokensAtATime / Math.Max(1, tokens)) : count;
        if (count <= each) return encode(rows).MoveToOuterDisposeScope();
        List<Tensor> parts = [];
        for (long start = 0; start < count; start += each)
        {
            using var inner = NewDisposeScope();
            parts.Add(encode(rows.narrow(0, start, Math.Min(each, count - start))).MoveToOuterDisposeScope());
        }
        return cat(parts, 0).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the prepared weights, once the calls under way have ended; the tower stays.</summary>
    public void Dispose() => _gate.Close();

    private void Free()
    {
        foreach (var part in _parts) part.Dispose();
    }
}
