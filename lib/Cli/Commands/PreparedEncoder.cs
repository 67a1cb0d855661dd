using System.CommandLine;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Search;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Cli.Commands;

/// <summary>
/// What the commands that encode many images share: how they prepare the model in the precision asked for, read files and store embeddings.
/// </summary>
internal static class PreparedEncoder
{
    /// <summary>
    /// Up to this many images and captions no bfloat16 and no GPU is looked for: loading libtorch and preparing take longer than so few.
    /// </summary>
    private const int Few = 32;

    internal static Option<string?> ModelOption(string what = "The model's folder or Hub id") =>
        new("--model") { Description = $"{what}; CLIP_MODEL or the embedded model by default." };

    internal static Option<Precision> Option(Precision precision = Precision.Auto) => new("--precision")
    {
        Description = "What the model computes in: float32; bfloat16, several times as fast where the processor or GPU has instructions " +
            "for it, embeddings within a cosine of 0.999; float16, for GPUs without bfloat16; auto, bfloat16 where there are instructions.",
        DefaultValueFactory = _ => precision,
    };

    internal static Option<bool> DraftOption() => new("--draft")
    {
        Description = "Decode JPEG files at 1/4 or 1/8 of their size where that is no smaller than the model's: faster, with slightly " +
            "other pixels and embeddings than elsewhere.",
    };

    /// <summary>How the commands that store embeddings make and read an index.</summary>
    internal static IndexOptions Options(IClipEncoder encoder, bool half, bool draft) => new()
    {
        Storage = half ? VectorStorage.Float16 : VectorStorage.Float32,
        Decoder = draft ? new SkiaImageDecoder { DraftSide = encoder.Processor.Transform.Config.ResizeSize } : null,
    };

    /// <summary>
    /// Opens and prepares a model for an index. A model whose embeddings are not finite is refused before an index is made.
    /// </summary>
    /// <inheritdoc cref="Open"/>
    /// <exception cref="NonFiniteException">The embedding of a gray test picture is not finite.</exception>
    internal static (IClipEncoder Encoder, string Chosen) OpenForIndex(string model, Precision precision)
    {
        var (encoder, chosen) = Open(model, precision);
        try
        {
            using var gray = RasterImage.FromRgb(8, 8, [.. Enumerable.Repeat((byte)128, 3 * 8 * 8)]);
            encoder.EmbedImages([gray], ["a gray picture, on trial"]);
            return (encoder, chosen);
        }
        catch
        {
            encoder.Dispose();
            throw;
        }
    }

    /// <summary>Opens a model and prepares it.</summary>
    /// <param name="model">Its folder or Hub id.</param>
    /// <param name="precision">What it computes in.</param>
    /// <param name="inputs">
    /// How many images and captions will be encoded, if that is known: of a few, <see cref="Precision.Auto"/> makes the model that starts
    /// soonest (<see cref="ClipEncoder.ForInference"/>).
    /// </param>
    /// <returns>The encoder, and one line that says what was chosen and why.</returns>
    internal static (IClipEncoder Encoder, string Chosen) Open(string model, Precision precision, int inputs = int.MaxValue) =>
        precision == Precision.Auto && inputs <= Few ? (ClipEncoder.ForInference(model), "Float32")
            : ClipEncoder.OpenPrepared(model, null, precision);

    /// <summary>The same with the model itself, for what measures it.</summary>
    internal static ClipEncoder OpenWhole(string model, Precision precision)
    {
        var encoder = ClipEncoder.FromPretrained(model);
        try
        {
            encoder.Prepare(precision);
            return encoder;
        }
        catch
        {
            encoder.Dispose();
            throw;
        }
    }
}
