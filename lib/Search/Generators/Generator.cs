using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Base;
using Microsoft.Extensions.AI;
using static TorchSharp.torch;

namespace ClipNotebooks.Search.Generators;

/// <summary>What both generators do alike: disposed while inputs are embedded, it frees the model that it owns once they are.</summary>
internal sealed class Generator : IDisposable
{
    private readonly ClipEncoder _encoder;
    private readonly string? _modelId;
    private readonly EmbeddingGeneratorMetadata _metadata;
    private readonly UseGate _gate;

    internal Generator(ClipEncoder encoder, string? modelId, bool ownsEncoder)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        (_encoder, _modelId) = (encoder, modelId);
        int width = encoder.Model.Config.EmbeddingWidth;
        _metadata = new EmbeddingGeneratorMetadata("clip", defaultModelId: modelId, defaultModelDimensions: width);
        _gate = new UseGate(this, () => { if (ownsEncoder) encoder.Dispose(); });
    }

    internal Task<GeneratedEmbeddings<Embedding<float>>> RunAsync<T>(
        IEnumerable<T> values, EmbeddingGenerationOptions? options, Func<ClipEncoder, T[], Tensor> encode, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(values);
        int width = _encoder.Model.Config.EmbeddingWidth;
        if (options?.Dimensions is { } asked && asked != width) throw new ArgumentException(
            $"Embeddings of width {asked} are asked for; this model's have {width}.", nameof(options));
        if (options?.ModelId is { } other && other != _modelId)
        {
            string own = _modelId is null ? "one without a name" : $"\"{_modelId}\"";
            throw new ArgumentException($"The model \"{other}\" is asked for; this is {own}.", nameof(options));
        }
        return RunAsync(_gate.Enter());

        async Task<GeneratedEmbeddings<Embedding<float>>> RunAsync(UseGate.Use use)
        {
            using (use) return await Task.Run(Run, cancellation).ConfigureAwait(false);
        }

        GeneratedEmbeddings<Embedding<float>> Run()
        {
            var generated = new GeneratedEmbeddings<Embedding<float>>();
            foreach (var batch in values.Chunk(ClipEncoder.DefaultBatch))
            {
                cancellation.ThrowIfCancellationRequested();
                if (batch.Any(value => value is null)) throw new ArgumentException("An input is null.", nameof(values));
                using var embeddings = encode(_encoder, batch);                                     // (B, E)
                float[] rows = embeddings.data<float>().ToArray();
                generated.AddRange(Enumerable.Range(0, batch.Length).Select(i => new Embedding<float>(rows.AsMemory(i * width, width))
                {
                    ModelId = _modelId,
                    CreatedAt = DateTimeOffset.UtcNow,
                }));
            }
            return generated;
        }
    }

    internal object? Service(object self, Type type, object? key)
    {
        ArgumentNullException.ThrowIfNull(type);
        return key is not null ? null : type.IsInstanceOfType(self) ? self : type == typeof(EmbeddingGeneratorMetadata) ? _metadata
            : type == typeof(ClipEncoder) ? _encoder : null;
    }

    public void Dispose() => _gate.Close();
}
