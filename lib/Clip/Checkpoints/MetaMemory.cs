using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Allocates memory, uninitialised, for a module that was made on <c>meta</c> (PyTorch's <c>Module.to_empty</c>, which TorchSharp lacks): a
/// model whose weights come from a file needs no random ones first, which take several times as long to make as the file to read.
/// </summary>
internal static class MetaMemory
{
    internal static void Allocate(nn.Module module)
    {
        foreach (var part in module.modules().Prepend(module))
        {
            foreach (var (_, parameter) in part.named_parameters(false)) Allocate(parameter);
            foreach (var (_, buffer) in part.named_buffers(false)) Allocate(buffer);
        }
    }

    /// <summary>Fills a module of the same kind, made on <c>meta</c>, with another's parameters in another element type.</summary>
    /// <returns>The module, in evaluation mode; the caller's to dispose.</returns>
    internal static T Copy<T>(T from, T skeleton, ScalarType dtype) where T : nn.Module
    {
        using var _ = no_grad();
        Allocate(skeleton);
        skeleton.to(dtype);
        var values = from.state_dict();
        foreach (var (name, tensor) in skeleton.state_dict()) tensor.copy_(values[name]);
        skeleton.to(values.Values.First().device);
        skeleton.eval();
        return skeleton;
    }

    /// <summary>Replaces the native tensor behind a tensor object: the module's fields keep the same object.</summary>
    private static void Allocate(Tensor tensor)
    {
        if (!tensor.is_meta) return;
        using var memory = empty(tensor.shape, dtype: tensor.dtype, requires_grad: tensor.requires_grad);
        (Handle(tensor), Handle(memory)) = (Handle(memory), Handle(tensor));
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "handle")]
    private static extern ref IntPtr Handle(Tensor tensor);
}
