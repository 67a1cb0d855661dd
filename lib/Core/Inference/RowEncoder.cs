using System.Collections.Concurrent;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Text;

namespace ClipNotebooks.Core.Inference;

/// <summary>What encoders do around towers that give rows of numbers: batches, telemetry, and rows of length 1.</summary>
/// <param name="calls">Keeps the towers alive during a call.</param>
/// <param name="processor">Makes the model's inputs.</param>
/// <param name="imageTower">The image tower: as many rows as it is given pixels.</param>
/// <param name="textTower">The text tower: rows of these places of a batch of tokens.</param>
/// <param name="explain">
/// Makes the exception for a row that is not finite or all zeros, of what the model gives for what, and of whether the pixels are at fault.
/// </param>
internal sealed class RowEncoder(UseGate calls, ClipProcessor processor, Func<IReadOnlyList<float[]>, float[][]> imageTower,
    Func<TokenBatch, int[], float[][]> textTower, Func<string, bool, NonFiniteException> explain)
{
    /// <summary>A row shorter than this is taken for nothing, as by libtorch's normalisation.</summary>
    private const double Shortest = 1e-12;

    /// <summary>Room for images' pixels, each as long as the processor makes them: calls that have ended leave it to the next.</summary>
    private readonly ConcurrentBag<float[]> _room = [];

    /// <inheritdoc cref="IClipEncoder.EmbedImages"/>
    internal float[][] EmbedImages(IReadOnlyList<RasterImage> images, IReadOnlyList<string>? names)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count == 0) throw new ArgumentException("There is no image: the list is empty.", nameof(images));
        using var use = calls.Enter();
        using var told = ClipTelemetry.Begin(ClipTelemetry.Image, images.Count);
        return [.. Enumerable.Range(0, images.Count).Chunk(ImageFiles.DefaultBatch).SelectMany(chunk =>
        {
            float[][] pixels = [.. chunk.Select(_ => _room.TryTake(out var room) ? room : new float[processor.Transform.Length])];
            Parallel.For(0, chunk.Length, i => processor.Transform.Apply(images[chunk[i]], pixels[i]));
            float[][] rows = Unit(imageTower(pixels), i => Named(names, chunk[i], images.Count), pixels);
            foreach (float[] room in pixels) _room.Add(room);
            return rows;
        })];
    }

    /// <inheritdoc cref="IClipEncoder.EmbedPixels"/>
    internal float[][] EmbedPixels(IReadOnlyList<float[]> pixels, IReadOnlyList<string>? names)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.Count == 0) throw new ArgumentException("There is no image: the list is empty.", nameof(pixels));
        processor.Transform.Require(pixels);
        using var use = calls.Enter();
        using var told = ClipTelemetry.Begin(ClipTelemetry.Image, pixels.Count);
        return Unit(imageTower(pixels), i => Named(names, i, pixels.Count), pixels);
    }

    /// <inheritdoc cref="IClipEncoder.EmbedTexts"/>
    internal float[][] EmbedTexts(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Count == 0) throw new ArgumentException("There is no caption: the list is empty.", nameof(texts));
        using var use = calls.Enter();
        using var told = ClipTelemetry.Begin(ClipTelemetry.Text, texts.Count);

        // Captions of similar length share a batch, since a row costs as much as the longest of its batch.
        var tokens = processor.Tokenizer.Tokenize(texts, truncate: true);
        var embeddings = new float[texts.Count][];
        var order = Enumerable.Range(0, texts.Count).OrderBy(i => tokens.EndOfTextPositions[i]);
        foreach (int[] chunk in order.Chunk(ImageFiles.DefaultBatch))
        {
            var rows = Unit(textTower(tokens, chunk), i => $"the caption \"{Quote.Caption(texts[chunk[i]])}\"");
            foreach (var (place, row) in chunk.Zip(rows)) embeddings[place] = row;
        }
        return embeddings;
    }

    /// <summary>Scales each row to length 1.</summary>
    /// <exception cref="NonFiniteException">A row is not finite, or all zeros.</exception>
    private float[][] Unit(float[][] rows, Func<int, string> inputOf, IReadOnlyList<float[]>? pixels = null)
    {
        foreach (var (place, row) in rows.Index())
        {
            double square = row.Sum(value => (double)value * value);
            if (!double.IsFinite(square) || square < Shortest * Shortest)
            {
                string result = double.IsNaN(square) ? "NaN" : double.IsFinite(square) ? "nothing but zeros" : "infinity";
                throw explain($"gives {result} for {inputOf(place)}", pixels is not null && !pixels[place].All(float.IsFinite));
            }
            float factor = (float)(1 / Math.Sqrt(square));
            for (int i = 0; i < row.Length; i++) row[i] *= factor;
        }
        return rows;
    }

    private static string Named(IReadOnlyList<string>? names, int place, int count) => names?[place] ?? $"image {place + 1} of {count}";
}
