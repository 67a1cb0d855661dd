using System.CommandLine;
using ClipNotebooks.Clip.Inference;

namespace ClipNotebooks.Cli.Commands;

/// <summary>What the commands that encode many images share: the model's prepared form, in the precision that was asked for.</summary>
internal static class PreparedEncoder
{
    internal static Option<Precision> Option(Precision precision = Precision.Auto) => new("--precision")
    {
        Description = "What the model computes in: float32; bfloat16, several times as fast where the processor or GPU has instructions for it, embeddings within a cosine of 0.999; auto, bfloat16 where it has.",
        DefaultValueFactory = _ => precision,
    };

    /// <summary>Opens a model and prepares it.</summary>
    /// <returns>The encoder, and in a line what was chosen and why.</returns>
    internal static (ClipEncoder Encoder, string Chosen) Open(string model, Precision precision)
    {
        var encoder = ClipEncoder.FromPretrained(model);
        try
        {
            return (encoder, encoder.Prepare(precision).Description);
        }
        catch
        {
            encoder.Dispose();
            throw;
        }
    }
}
