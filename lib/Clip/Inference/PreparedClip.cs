using ClipNotebooks.Clip.Inference.Prepared;
using ClipNotebooks.Clip.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <summary>
/// A CLIP for inference alone, made from a <see cref="ClipModel"/> by <see cref="Prepare"/>: the transformers' weights are taken over in one precision and laid out for the processor once. The model has to live as
/// long, since what stands before and after the blocks is used from it; its later changes are not seen. Thread-safe.
/// </summary>
public sealed class PreparedClip : IDisposable
{
    /// <summary>16 images of ViT-B/32: in bfloat16 faster than 4, 8 or 12, in float32 alike, on two cores with 32 MB of cache (tests/Benchmarks/README.md).</summary>
    private const int TokensAtATime = 800;

    private readonly ClipModel _model;
    private readonly PreparedPatches? _patches;
    private readonly PreparedTransformer? _image;
    private readonly PreparedTransformer _text;

    private PreparedClip(ClipModel model, Precision precision, string reason)
    {
        (_model, Precision) = (model, precision);
        var dtype = precision switch { Precision.BFloat16 => ScalarType.BFloat16, Precision.Float16 => ScalarType.Float16, _ => ScalarType.Float32 };
        if (model.ImageTower is VisionTransformer visual)
            (_patches, _image) = (new PreparedPatches(visual, dtype), new PreparedTransformer(visual.Transformer, model.Config.VisionBlock, causal: false, dtype));
        _text = new PreparedTransformer(model.Text.Transformer, model.Config.TextBlock, causal: true, dtype);
        Description = $"{dtype}, {(_text.UsesOneDnn ? "products by oneDNN" : "products by libtorch")}: {reason}";
    }

    /// <summary>What the blocks run in: never <see cref="Precision.Auto"/>.</summary>
    public Precision Precision { get; }

    /// <summary>What was chosen, and why, in a line.</summary>
    public string Description { get; }

    /// <summary>Makes the prepared form of a model. A ResNet's image tower stays as it is.</summary>
    /// <param name="model">In float32.</param>
    /// <param name="precision">The element type of the blocks.</param>
    /// <exception cref="ArgumentException">The model's weights are not in float32.</exception>
    public static PreparedClip Prepare(ClipModel model, Precision precision = Precision.Auto)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.LogitScale.dtype != ScalarType.Float32)
            throw new ArgumentException($"The model's weights are in {model.LogitScale.dtype}; a prepared form is made from float32 (load it without a dtype).", nameof(model));
        var (chosen, reason) = precision == Precision.Auto ? PrecisionProbe.Choose(model.LogitScale.device_type) : (precision, "as asked for");
        return new PreparedClip(model, chosen, reason);
    }

    /// <summary>Pixels, (B, 3, R, R), float32, normalised → (B, E), float32, not normalised; without a gradient.</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public Tensor EncodeImage(Tensor pixels)
    {
        using var _ = inference_mode();
        return _image is null || _patches is null ? _model.EncodeImage(pixels)
            : InParts(pixels, _model.Config.Vision.Tokens, part => _model.Visual.Project(_image.Run(_patches.Embed(part), null)));
    }

    /// <summary>Token ids, (B, L), int64 → (B, E), float32, not normalised; without a gradient. The shorter the rows, the faster: cut them to the longest caption.</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public Tensor EncodeText(Tensor ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        using var _ = inference_mode();
        return InParts(ids, ids.shape[^1], part => _model.Text.Project(_text.Run(_model.Text.Embed(part), _model.Text.EndPositions(part))));
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

    /// <summary>Frees the prepared weights; the model stays.</summary>
    public void Dispose()
    {
        _patches?.Dispose();
        _image?.Dispose();
        _text.Dispose();
    }
}
