using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// Arithmetic that keeps its scalars alive during the native call. TorchSharp 0.107 hands libtorch the native pointer of a
/// <see cref="Scalar"/> without keeping the object alive: a garbage collection during the call frees it, and the call fails or reads freed
/// memory. Operators make such a temporary scalar, even x + y of two tensors (the 1 that multiplies y); a product of two tensors makes
/// none.
/// </summary>
internal static class Arithmetic
{
    /// <summary>x + y.</summary>
    internal static Tensor Plus(this Tensor x, Tensor y)
    {
        using Scalar one = 1;
        return x.add(y, one);
    }

    /// <summary>x − y.</summary>
    internal static Tensor Minus(this Tensor x, Tensor y)
    {
        using Scalar minus = -1;
        return x.add(y, minus);
    }

    /// <summary>x + <paramref name="value"/>, in the element type of x.</summary>
    internal static Tensor Plus(this Tensor x, double value)
    {
        using Scalar scalar = value, one = 1;
        return x.add(scalar, one);
    }

    /// <summary>x + <paramref name="value"/>; an integer tensor stays one.</summary>
    internal static Tensor Plus(this Tensor x, long value)
    {
        using Scalar scalar = value, one = 1;
        return x.add(scalar, one);
    }

    /// <summary>x += y.</summary>
    internal static void Accumulate(this Tensor x, Tensor y)
    {
        using Scalar one = 1;
        x.add_(y, one);
    }

    /// <summary>x / <paramref name="divisor"/>, in the element type of x.</summary>
    internal static Tensor Over(this Tensor x, double divisor)
    {
        using Scalar scalar = divisor;
        return x.div(scalar);
    }

    /// <summary>Whether each element is at most <paramref name="value"/>: bool, shaped as x.</summary>
    internal static Tensor AtMost(this Tensor x, long value)
    {
        using Scalar scalar = value;
        return x.le(scalar);
    }

    /// <summary>The <paramref name="count"/> integers from <paramref name="start"/> on: (count), int64.</summary>
    internal static Tensor Count(long start, long count, Device device)
    {
        using Scalar from = start, to = start + count, step = 1;
        return arange(from, to, step, dtype: ScalarType.Int64, device: device);
    }

    /// <summary>x · <paramref name="factor"/>, in the element type of x.</summary>
    internal static Tensor Times(this Tensor x, double factor)
    {
        using Scalar scalar = factor;
        return x.mul(scalar);
    }

    /// <summary>The smaller of x and <paramref name="value"/>, element by element.</summary>
    internal static Tensor Below(this Tensor x, double value)
    {
        using Scalar scalar = value;
        return x.clamp_max(scalar);
    }

    /// <summary>Whether each element equals <paramref name="value"/>: bool, shaped as x.</summary>
    internal static Tensor EqualTo(this Tensor x, long value)
    {
        using Scalar scalar = value;
        return x.eq(scalar);
    }

    /// <summary>Sets every element in place; autograd does not record it.</summary>
    internal static void Fill(this Tensor x, double value)
    {
        using Scalar scalar = value;
        nn.init.constant_(x, scalar);
    }

    /// <summary>x with <paramref name="value"/> where the mask is true.</summary>
    internal static Tensor Where(this Tensor x, Tensor mask, double value)
    {
        using Scalar scalar = value;
        return x.masked_fill(mask, scalar);
    }
}
