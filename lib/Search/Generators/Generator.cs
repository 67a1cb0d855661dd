using ClipNotebooks.Clip.Inference;
using Microsoft.Extensions.AI;
using static TorchSharp.torch;

namespace ClipNotebooks.Search.Generators;

/// <summary>What both generators do alike.</summary>
internal sealed class Generator(ClipEncoder encoder, string? modelId, bool ownsEncoder) : IDisposable
{
    /// <summary>Inputs encoded between two looks at the cancellation.</summary>
    private const int BatchSize = 64;

    private readonly ClipEncoder _encoder = encoder ?? throw new ArgumentNullException(nameof(encoder));
    private readonly EmbeddingGeneratorMetadata _metadata = new("clip", defaultModelId: modelId, defaultModelDimensions: encoder.Model.Config.EmbeddingWidth);
    private int _disposed;

    internal Task<GeneratedEmbeddings<Embedding<float>>> RunAsync<T>(
        IEnumerable<T> values, EmbeddingGenerationOptions? options, Func<ClipEncoder, T[], Tensor> encode, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        ArgumentNullException.ThrowIfNull(values);
        int width = _encoder.Model.Config.EmbeddingWidth;
        if (options?.Dimensions is { } asked && asked != width) throw new ArgumentException($"Embeddings of width {asked} are asked for; this model's have {width}.", nameof(options));
        if (options?.ModelId is { } other && other != modelId) throw new ArgumentException($"The model \"{other}\" is asked for; this is {(modelId is null ? "one without a name" : $"\"{modelId}\"")}.", nameof(options));
        return Task.Run(() =>
        {
            var generated = new GeneratedEmbeddings<Embedding<float>>();
            foreach (var batch in values.Chunk(BatchSize))
            {
                cancellation.ThrowIfCancellationRequested();
                if (batch.Any(value => value is null)) throw new ArgumentException("An input is null.", nameof(values));
                using var embeddings = encode(_encoder, batch);                                     // (B, E)
                float[] rows = embeddings.data<float>().ToArray();
                generated.AddRange(Enumerable.Range(0, batch.Length).Select(i => new Embedding<float>(rows.AsMemory(i * width, width)) { ModelId = modelId, CreatedAt = DateTimeOffset.UtcNow }));
            }
            return generated;
        }, cancellation);
    }

    internal object? Service(object self, Type type, object? key)
    {
        ArgumentNullException.ThrowIfNull(type);
        return key is not null ? null : type.IsInstanceOfType(self) ? self : type == typeof(EmbeddingGeneratorMetadata) ? _metadata : type == typeof(ClipEncoder) ? _encoder : null;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0 && ownsEncoder) _encoder.Dispose();
    }
}
