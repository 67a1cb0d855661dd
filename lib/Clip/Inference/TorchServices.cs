using ClipNotebooks.Core.Generators;
using ClipNotebooks.Core.Inference;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using TorchSharp;

namespace ClipNotebooks.Clip.Inference;

/// <summary>Registers CLIP on libtorch among an application's services.</summary>
public static class TorchServices
{
    /// <summary>
    /// Registers a model as the application's CLIP, with generators of embeddings
    /// (<see cref="ClipServices.AddClip(IServiceCollection, Func{IServiceProvider, IClipEncoder}, string?)"/>). It is opened, downloaded if
    /// necessary, and prepared at its first use, not while services are resolved: in float32 on the processor as by
    /// <see cref="ClipEncoder.ForInference"/>, otherwise as a <see cref="ClipEncoder"/>.
    /// </summary>
    /// <param name="services">The application's.</param>
    /// <param name="idOrFolder">
    /// A folder such as <c>data/models/tiny-clip</c>, or a Hub id such as <c>openai/clip-vit-base-patch32</c>; also the model id in the
    /// metadata.
    /// </param>
    /// <param name="device">Where to run; CUDA if there is one, else the CPU.</param>
    /// <param name="precision">The precision of the model's prepared form (<see cref="ClipEncoder.Prepare"/>).</param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentException">The id or folder is empty.</exception>
    public static IServiceCollection AddClip(this IServiceCollection services, string idOrFolder, torch.Device? device = null,
        Precision precision = Precision.Float32)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(idOrFolder);
        return services.AddClip(_ => ClipEncoder.OpenPrepared(idOrFolder, device, precision).Encoder, idOrFolder);
    }

    /// <summary>The same with the values of the application's configuration.</summary>
    /// <param name="services">The application's.</param>
    /// <param name="configuration">The section with the values of <see cref="TorchServiceOptions"/>.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="InvalidOperationException">A value of the section has another type; the message names its key.</exception>
    /// <exception cref="ArgumentException">The section names no model.</exception>
    public static IServiceCollection AddClip(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var options = configuration.Get<TorchServiceOptions>() ?? new TorchServiceOptions();
        if (string.IsNullOrWhiteSpace(options.Model))
        {
            string place = configuration is IConfigurationSection section ? $"The section \"{section.Path}\"" : "The configuration";
            throw new ArgumentException($"{place} names no model: set its \"Model\" to a folder or to an id of the Hub.",
                nameof(configuration));
        }
        return services.AddClip(options.Model, options.Device is { } device ? torch.device(device) : null, options.Precision);
    }
}
