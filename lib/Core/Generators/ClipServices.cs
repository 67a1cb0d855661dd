using System.Diagnostics;
using ClipNotebooks.Core.Inference;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ClipNotebooks.Core.Generators;

/// <summary>Registers CLIP with an application's services.</summary>
public static class ClipServices
{
    /// <summary>
    /// Registers a model and, on top of it, <c>IEmbeddingGenerator&lt;string, Embedding&lt;float&gt;&gt;</c> and
    /// <c>IEmbeddingGenerator&lt;DataContent, Embedding&lt;float&gt;&gt;</c>: all singletons, disposed with the container. Resolving them
    /// opens nothing: the model is opened on first use, or by <see cref="LazyClipEncoder.LoadAsync"/> of the registered
    /// <see cref="LazyClipEncoder"/>, which is also registered as <see cref="IClipEncoder"/>.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="open">Opens the model, on libtorch, ONNX Runtime or another runtime; may block. Called again only if it fails.</param>
    /// <param name="modelId">Its name in the generators' metadata; null if it has none.</param>
    /// <returns>The same services.</returns>
    public static IServiceCollection AddClip(this IServiceCollection services, Func<IServiceProvider, IClipEncoder> open,
        string? modelId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(open);
        return services
            .AddSingleton(provider => new LazyClipEncoder(() => Logged(open, provider, modelId ?? "of the application")))
            .AddSingleton<IClipEncoder>(provider => provider.GetRequiredService<LazyClipEncoder>())
            .AddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(provider =>
                new ClipTextEmbeddingGenerator(provider.GetRequiredService<LazyClipEncoder>(), modelId))
            .AddSingleton<IEmbeddingGenerator<DataContent, Embedding<float>>>(provider =>
                new ClipImageEmbeddingGenerator(provider.GetRequiredService<LazyClipEncoder>(), modelId));
    }

    private static IClipEncoder Logged(Func<IServiceProvider, IClipEncoder> open, IServiceProvider provider, string model)
    {
        var logger = provider.GetService<ILoggerFactory>()?.CreateLogger(ModelLog.Category) ?? NullLogger.Instance;
        ModelLog.Opening(logger, model);
        long begun = Stopwatch.GetTimestamp();
        try
        {
            var encoder = open(provider);
            ModelLog.Opened(logger, model, Stopwatch.GetElapsedTime(begun).TotalSeconds, encoder.Width);
            return encoder;
        }
        catch (Exception exception)
        {
            ModelLog.Failed(logger, model, exception);
            throw;
        }
    }
}
