using ClipNotebooks.Clip.Inference;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using TorchSharp;

namespace ClipNotebooks.Search.Generators;

/// <summary>CLIP for an application's services.</summary>
public static class ClipServices
{
    /// <summary>
    /// Registers one <see cref="ClipEncoder"/>, opened when it is first asked for and disposed with the container, and over it
    /// <c>IEmbeddingGenerator&lt;string, Embedding&lt;float&gt;&gt;</c> and <c>IEmbeddingGenerator&lt;DataContent,
    /// Embedding&lt;float&gt;&gt;</c>: all singletons.
    /// </summary>
    /// <param name="services">The application's.</param>
    /// <param name="idOrFolder">
    /// A folder such as <c>data/models/tiny-clip</c>, or a Hub id such as <c>openai/clip-vit-base-patch32</c>; the metadata's model id.
    /// </param>
    /// <param name="device">Where to run; CUDA if there is one, else the CPU.</param>
    /// <param name="precision">What the model's prepared form computes in (<see cref="ClipEncoder.Prepare"/>).</param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentException">The id or folder is empty.</exception>
    public static IServiceCollection AddClip(this IServiceCollection services, string idOrFolder, torch.Device? device = null,
        Precision precision = Precision.Float32)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(idOrFolder);
        return services
            .AddSingleton(_ => Open(idOrFolder, device, precision))
            .AddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(provider =>
                new ClipTextEmbeddingGenerator(provider.GetRequiredService<ClipEncoder>(), idOrFolder))
            .AddSingleton<IEmbeddingGenerator<DataContent, Embedding<float>>>(provider =>
                new ClipImageEmbeddingGenerator(provider.GetRequiredService<ClipEncoder>(), idOrFolder));
    }

    private static ClipEncoder Open(string idOrFolder, torch.Device? device, Precision precision)
    {
        var encoder = ClipEncoder.FromPretrained(idOrFolder, device);
        encoder.Prepare(precision);
        return encoder;
    }
}
