using ClipNotebooks.Core.Inference;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ClipNotebooks.Core.Generators;

/// <summary>
/// Whether an application's model answers: <c>services.AddHealthChecks().AddCheck&lt;ClipHealthCheck&gt;("clip")</c>. It opens no model:
/// one that nobody has used yet is reported as degraded.
/// </summary>
/// <param name="encoder">What <see cref="ClipServices"/> registered.</param>
public sealed class ClipHealthCheck(LazyClipEncoder encoder) : IHealthCheck
{
    /// <summary>Embeds a caption, where the model is open.</summary>
    /// <param name="context">Whose failure status is used.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!encoder.IsLoaded)
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
