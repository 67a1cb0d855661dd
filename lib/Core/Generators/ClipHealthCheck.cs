using ClipNotebooks.Core.Inference;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ClipNotebooks.Core.Generators;

/// <summary>
/// Checks whether an application's model answers: <c>services.AddHealthChecks().AddCheck&lt;ClipHealthCheck&gt;("clip")</c>. It does not
/// open the model: one that has not been used yet is reported as degraded.
/// </summary>
/// <param name="encoder">The encoder that <see cref="ClipServices"/> registered.</param>
public sealed class ClipHealthCheck(LazyClipEncoder encoder) : IHealthCheck
{
    /// <summary>Embeds a caption, if the model is open.</summary>
    /// <param name="context">Supplies the failure status.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Healthy if the model answers, degraded if it is not open, otherwise the failure status.</returns>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!encoder.IsLoaded && !encoder.IsDisposed)
            return HealthCheckResult.Degraded("The model is not open yet: its first use opens it, or LazyClipEncoder.LoadAsync.");
        try
        {
            await Task.Run(() => encoder.EmbedTexts(["a photo"]), cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
            return HealthCheckResult.Healthy($"The model {encoder.Source} answers, with embeddings of {encoder.Width} numbers.");
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, $"The model does not answer: {exception.Message}", exception);
        }
    }
}
