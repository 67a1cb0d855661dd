using System.Runtime.InteropServices;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <summary>Checks that embeddings are finite, and explains why if they are not.</summary>
internal static class FiniteEmbeddings
{
    /// <summary>Returns the embeddings if all rows have length 1.</summary>
    /// <param name="embeddings">(N, E), float32, on the CPU, normalised.</param>
    /// <param name="encoder">The encoder that made them.</param>
    /// <param name="inputOf">Describes the input of row i, an image or a caption.</param>
    /// <param name="pixelsOf">The pixels that row i was made from, (1, 3, R, R); null for a caption.</param>
    /// <exception cref="NonFiniteException">A row is not finite, or is 0, as where its norm was infinite.</exception>
    internal static Tensor Checked(Tensor embeddings, ClipEncoder encoder, Func<int, string> inputOf, Func<int, Tensor>? pixelsOf = null)
    {
        int width = (int)embeddings.shape[1];
        var values = MemoryMarshal.Cast<byte, float>(embeddings.bytes);
        for (int row = 0; row < embeddings.shape[0]; row++)
        {
            double square = 0;
            foreach (float value in values.Slice(row * width, width)) square += (double)value * value;
            // Rows have the length 1, within the rounding of bfloat16.
            if (square is > 0.5 and < 2) continue;
            string input = inputOf(row), result = double.IsNaN(square) ? "NaN" : square == 0 ? "nothing but zeros" : "infinity";
            throw Of(encoder, $"gives {result} for {input}", pixelsOf is not null && !IsFinite(pixelsOf(row)));
        }
        return embeddings;
    }

    /// <summary>Explains why a model's outputs are not finite.</summary>
    /// <param name="encoder">The model.</param>
    /// <param name="what">What happened, to follow "The model ".</param>
    /// <param name="pixelsAreWrong">Whether the pixels that went into the model are not finite.</param>
    internal static NonFiniteException Of(ClipEncoder encoder, string what, bool pixelsAreWrong = false) =>
        Of(encoder.Model, encoder.Source, encoder.ComputesIn, what, pixelsAreWrong);

    /// <summary>The same for a model without an encoder.</summary>
    internal static NonFiniteException Of(ClipModel of, string? source, Precision? computesIn, string what, bool pixelsAreWrong = false)
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        var (name, weight) = of.state_dict().FirstOrDefault(entry => !IsFinite(entry.Value));
        return Of(source, computesIn, what, pixelsAreWrong, weight is null ? null : (name, weight.shape, Wrong(weight)));
    }

    /// <summary>The same where it is known which weight holds how many values that are NaN or infinity; null for none.</summary>
    internal static NonFiniteException Of(
        string? source, Precision? computesIn, string what, bool pixelsAreWrong, (string Name, long[] Shape, long Wrong)? weight)
    {
        string model = source is not null ? $"The model {source}" : "The model";
        string reason = (weight, pixelsAreWrong, computesIn) switch
        {
            ({ } at, _, _) => $"its weight {at.Name} ({string.Join(", ", at.Shape)}) holds {at.Wrong:N0} values that are NaN or infinity"
                + ", so the file of weights is damaged or its training has failed. Fetch or write it again",
            (_, true, _) => "the pixels are not finite: look at the mean and std of the model's recipe, or at the pixels that were given",
            (_, _, { } narrow and not Precision.Float32) => $"its weights are sound, and {narrow} is too narrow for what comes of them. "
                + "Compute in float32: --precision float32, or Precision.Float32",
            _ => "its weights are sound, and what comes of them is too large, or 0. Compare the model with its original: clipbook parity",
        };
        return new NonFiniteException($"{model} {what}: {reason}.") { Weight = weight?.Name };
    }

    private static long Wrong(Tensor weight) => weight.numel() - weight.isfinite().sum().ToInt64();

    internal static bool IsFinite(Tensor values) => !values.is_floating_point() || values.isfinite().all().ToBoolean();
}
