using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Inference;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>The fingerprint of a model on libtorch (<see cref="IClipEncoder.Fingerprint"/>).</summary>
internal static class WeightFingerprint
{
    /// <summary>
    /// A hash of parameter names, shapes and values, and of the processor. Values are rounded to bfloat16, so that a model keeps its
    /// fingerprint when it is cast from float32 to bfloat16. By way of float16 a value is rounded twice, and one in sixteen changes: no
    /// rounding gives all three types one fingerprint, and indexes hold that of this one.
    /// </summary>
    /// <exception cref="InvalidOperationException">The model has adapters that are not merged: they would not be in it.</exception>
    internal static string Of(ClipModel model, ClipProcessor processor)
    {
        model.RequireMerged("its fingerprint");
        return ModelFingerprint.Of(processor, hash => Append(hash, model));
    }

    /// <summary>Adds one parameter, from its values in float32.</summary>
    internal static void Append(IncrementalHash hash, string name, long[] shape, ReadOnlySpan<float> values)
    {
        ModelFingerprint.Append(hash, Line(name, shape));
        Span<ushort> rounded = stackalloc ushort[4096];
        while (!values.IsEmpty)
        {
            int count = Math.Min(rounded.Length, values.Length);
            for (int i = 0; i < count; i++)
            {
                uint bits = BitConverter.SingleToUInt32Bits(values[i]);
                // To the nearest, of two equally near ones to the even one. A NaN may come out as another one than libtorch's.
                rounded[i] = float.IsNaN(values[i]) ? (ushort)0x7FC0 : (ushort)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
            }
            hash.AppendData(MemoryMarshal.AsBytes(rounded[..count]));
            values = values[count..];
        }
    }

    private static string Line(string name, long[] shape) => $"{name} ({string.Join(", ", shape)})";

    private static void Append(IncrementalHash hash, ClipModel model)
    {
        using var scope = NewDisposeScope();
        foreach (var (name, value) in model.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            using var inner = NewDisposeScope();
            ModelFingerprint.Append(hash, Line(name, value.shape));
            hash.AppendData(value.detach().to(bfloat16).cpu().contiguous().bytes);
        }
    }
}
