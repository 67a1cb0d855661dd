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

    /// <param name="values">All inputs.</param>
    /// <param name="options">What the caller asks for.</param>
    /// <param name="embed">Embeds some of them, the first of which has the given place among all, from 0.</param>
    /// <param name="cancellationToken">Stops between two batches.</param>
    internal Task<GeneratedEmbeddings<Embedding<float>>> RunAsync<T>(
        IEnumerable<T> values, EmbeddingGenerationOptions? options, Func<IClipEncoder, T[], int, float[][]> embed,
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
                int first = generated.Count, missing = Array.FindIndex(batch, value => value is null);
                if (missing >= 0) throw new ArgumentException($"Input {first + missing + 1} is null.", nameof(values));
                generated.AddRange(embed(_encoder, batch, first).Select(row => new Embedding<float>(row)               // B × (E)
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
