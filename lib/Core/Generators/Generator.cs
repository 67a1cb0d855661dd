using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Inference;
using Microsoft.Extensions.AI;

namespace ClipNotebooks.Core.Generators;

/// <summary>
/// The common part of both generators. If disposed while inputs are being embedded, it disposes a model that it owns once they are done.
/// </summary>
internal sealed class Generator : IDisposable
{
    private readonly IClipEncoder _encoder;
    private readonly string? _modelId;
    private readonly UseGate _gate;

    internal Generator(IClipEncoder encoder, string? modelId, bool ownsEncoder)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        (_encoder, _modelId) = (encoder, modelId);
        _gate = new UseGate(this, () => { if (ownsEncoder) encoder.Dispose(); });
    }

    /// <summary>Does not open a model only to tell its width.</summary>
    private EmbeddingGeneratorMetadata Metadata => new("clip", defaultModelId: _modelId,
        defaultModelDimensions: _encoder is LazyClipEncoder { IsLoaded: false } ? null : _encoder.Width);

    internal Task<GeneratedEmbeddings<Embedding<float>>> RunAsync<T>(
        IEnumerable<T> values, EmbeddingGenerationOptions? options, Func<IClipEncoder, T[], float[][]> embed,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (options?.ModelId is { } other && other != _modelId)
        {
            string own = _modelId is null ? "one without a name" : $"\"{_modelId}\"";
            throw new ArgumentException($"The model \"{other}\" is asked for; this is {own}.", nameof(options));
        }
        return RunAsync(_gate.Enter());

        async Task<GeneratedEmbeddings<Embedding<float>>> RunAsync(UseGate.Use use)
        {
            using (use) return await Task.Run(Run, cancellationToken).ConfigureAwait(false);
        }

        GeneratedEmbeddings<Embedding<float>> Run()
        {
            if (options?.Dimensions is { } asked && asked != _encoder.Width) throw new ArgumentException(
                $"Embeddings of width {asked} are asked for; this model's have {_encoder.Width}.", nameof(options));
            var generated = new GeneratedEmbeddings<Embedding<float>>();
            foreach (var batch in values.Chunk(ImageFiles.DefaultBatch))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (batch.Any(value => value is null)) throw new ArgumentException("An input is null.", nameof(values));
                generated.AddRange(embed(_encoder, batch).Select(row => new Embedding<float>(row)               // B × (E)
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
        return key is not null ? null : type.IsInstanceOfType(self) ? self : type == typeof(EmbeddingGeneratorMetadata) ? Metadata
            : type.IsInstanceOfType(_encoder) ? _encoder : null;
    }

    public void Dispose() => _gate.Close();
}
