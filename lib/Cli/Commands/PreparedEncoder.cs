using System.CommandLine;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Search;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Cli.Commands;

/// <summary>
/// What the commands that encode many images share: the model's prepared form, in the precision that was asked for, and how files are read
/// and embeddings stored.
/// </summary>
internal static class PreparedEncoder
{
    /// <summary>Preparing takes half a second and more, which fewer images do not win back.</summary>
    private const int Few = 16;

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
    internal static IndexOptions Options(ClipEncoder encoder, bool half, bool draft) => new()
    {
        Storage = half ? VectorStorage.Float16 : VectorStorage.Float32,
        Decoder = draft ? new SkiaImageDecoder { DraftSide = encoder.Processor.Transform.Config.ResizeSize } : null,
    };

    /// <summary>Opens a model for an index, prepared: one that gives no numbers is refused before there is an index.</summary>
    /// <inheritdoc cref="Open"/>
    /// <exception cref="NonFiniteException">It gives none for a gray picture.</exception>
    internal static (ClipEncoder Encoder, string Chosen) OpenForIndex(string model, Precision precision)
    {
        var (encoder, chosen) = Open(model, precision);
        try
        {
            using var gray = RasterImage.FromRgb(8, 8, [.. Enumerable.Repeat((byte)128, 3 * 8 * 8)]);
            encoder.EncodeImages([gray], ["a gray picture, on trial"]).Dispose();
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
    /// <param name="images">
    /// How many there are to encode, where that is known: for a few, <see cref="Precision.Auto"/> is the plain model.
    /// </param>
    /// <returns>The encoder, and in a line what was chosen and why.</returns>
    internal static (ClipEncoder Encoder, string Chosen) Open(string model, Precision precision, int images = int.MaxValue)
    {
        var encoder = ClipEncoder.FromPretrained(model);
        try
        {
            return (encoder, precision == Precision.Auto && images <= Few ? "Float32" : encoder.Prepare(precision).Description);
        }
        catch
        {
            encoder.Dispose();
            throw;
        }
    }
}
