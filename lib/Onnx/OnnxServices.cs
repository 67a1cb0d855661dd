using ClipNotebooks.Core.Generators;
using ClipNotebooks.Core.Inference;
using Microsoft.Extensions.DependencyInjection;

namespace ClipNotebooks.Onnx;

/// <summary>CLIP on ONNX Runtime for an application's services.</summary>
public static class OnnxServices
{
    /// <summary>
    /// Registers an <see cref="OnnxClipEncoder"/> as the application's CLIP, with generators of embeddings
    /// (<see cref="ClipServices.AddClip(IServiceCollection, Func{IServiceProvider, IClipEncoder}, string?)"/>). It is opened, downloaded if
    /// need be, at its first use, not while services are resolved.
    /// </summary>
    /// <param name="services">The application's.</param>
    /// <param name="idOrFolder">
    /// A folder with graphs, or a Hub id such as <c>Xenova/clip-vit-base-patch32</c>; the metadata's model id.
    /// </param>
    /// <param name="options">Which graphs, and how they are run.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentException">The id or folder is empty.</exception>
    public static IServiceCollection AddOnnxClip(this IServiceCollection services, string idOrFolder, OnnxOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(idOrFolder);
        return services.AddClip(_ => OnnxClipEncoder.FromPretrained(idOrFolder, options), idOrFolder);
    }
}
