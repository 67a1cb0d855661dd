using ClipNotebooks.Core.Generators;
using ClipNotebooks.Core.Inference;
using Microsoft.Extensions.DependencyInjection;

namespace ClipNotebooks.Onnx;

/// <summary>CLIP on ONNX Runtime for an application's services.</summary>
public static class OnnxServices
{
    /// <summary>
    /// Registers an <see cref="OnnxClipEncoder"/> as the application's CLIP, with generators of embeddings
    /// (<see cref="ClipServices.AddClip(IServiceCollection, Func{IServiceProvider, IClipEncoder}, string?)"/>). The model is opened, and
    /// downloaded if necessary, when it is first used, not when services are resolved.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="idOrFolder">
    /// A folder with graphs, or a Hub id such as <c>Xenova/clip-vit-base-patch32</c>; also the model id in the generators' metadata.
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
