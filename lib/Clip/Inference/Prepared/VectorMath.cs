using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// Functions of 16 float32 values at once. .NET's own <see cref="Vector512.Exp(Vector512{float})"/> computes in double precision and takes
/// some twenty times as long (tests/Benchmarks/README.md).
/// </summary>
internal static class VectorMath
{
    /// <summary>
    /// eˣ within two units in the last place: e^r · 2ⁿ with x = r + n · ln 2 and |r| ≤ ln 2 / 2, e^r by the polynomial of Cephes'
    /// <c>expf</c>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> Exp(Vector512<float> x)
    {
        if (!Avx512F.IsSupported) return Vector512.Create(Exp(x.GetLower()), Exp(x.GetUpper()));
        // Beyond ±170 the result is infinity or 0, but the polynomial would overflow. If one operand is NaN, the instructions return
        // the second.
        x = Avx512F.Min(Vector512.Create(170f), Avx512F.Max(Vector512.Create(-170f), x));
        var n = Avx512F.RoundScale(x * 1.44269504f, 0);
        var r = Avx512F.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), x);                  // ln 2 in two parts
        r = Avx512F.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        var p = Avx512F.FusedMultiplyAdd(Vector512.Create(1.9875691500e-4f), r, Vector512.Create(1.3981999507e-3f));
        p = Avx512F.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Avx512F.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Avx512F.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Avx512F.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        return Avx512F.Scale(Avx512F.FusedMultiplyAdd(p, r * r, r + Vector512<float>.One), n);
    }

    /// <summary>The same polynomial for AVX2, which has no instruction like AVX-512's for scaling by a power of two.</summary>
    private static Vector256<float> Exp(Vector256<float> x)
    {
        // Beyond ±170 the result is infinity or 0 anyway. If x is NaN it stays NaN: these instructions return their second operand if
        // either is NaN.
        x = Avx.Min(Vector256.Create(170f), Avx.Max(Vector256.Create(-170f), x));
        var n = Avx.RoundToNearestInteger(x * 1.44269504f);
        var r = Fma.MultiplyAdd(n, Vector256.Create(-0.693359375f), x);                           // ln 2 in two parts
        r = Fma.MultiplyAdd(n, Vector256.Create(2.12194440e-4f), r);
        var p = Fma.MultiplyAdd(Vector256.Create(1.9875691500e-4f), r, Vector256.Create(1.3981999507e-3f));
        p = Fma.MultiplyAdd(p, r, Vector256.Create(8.3334519073e-3f));
        p = Fma.MultiplyAdd(p, r, Vector256.Create(4.1665795894e-2f));
        p = Fma.MultiplyAdd(p, r, Vector256.Create(1.6666665459e-1f));
        p = Fma.MultiplyAdd(p, r, Vector256.Create(5.0000001201e-1f));
        // 2ⁿ as a product of two factors, each of which float32 can represent.
        var (whole, half) = (Avx.ConvertToVector256Int32(n), Avx.ConvertToVector256Int32(n) >> 1);
        return Fma.MultiplyAdd(p, r * r, r + Vector256<float>.One) * PowerOfTwo(half) * PowerOfTwo(whole - half);
    }

    private static Vector256<float> PowerOfTwo(Vector256<int> n) => ((n + Vector256.Create(127)) << 23).AsSingle();

    /// <summary>The largest of the 16.</summary>
    internal static float Largest(Vector512<float> x)
    {
        var eight = Vector256.Max(x.GetLower(), x.GetUpper());
        var four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        return MathF.Max(MathF.Max(four[0], four[1]), MathF.Max(four[2], four[3]));
    }

    /// <summary>The MLP's non-linearity; <see cref="Activation.QuickGelu"/> stands for x · sigmoid(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> Activate(Vector512<float> x, Activation activation) => activation switch
    {
        Activation.QuickGelu => TimesSigmoid(x, x),
        // Φ(x) ≈ (1 + tanh u) / 2 = sigmoid(2 u), u = √(2 / π) (x + 0.044715 x³).
        Activation.GeluTanh => TimesSigmoid(x, 1.595769122f * (x + 0.044715f * x * x * x)),
        _ => x * Gaussian(x),
    };

    private static Vector512<float> TimesSigmoid(Vector512<float> x, Vector512<float> y) => x / (Vector512<float>.One + Exp(-y));

    /// <summary>
    /// Φ(x) = (1 + erf(x / √2)) / 2, erf within 1.5e-7 by Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
    /// </summary>
    private static Vector512<float> Gaussian(Vector512<float> x)
    {
        var z = Vector512.Abs(x) * 0.707106781f;
        var t = Vector512<float>.One / (Vector512<float>.One + 0.3275911f * z);
        var p = Vector512.FusedMultiplyAdd(Vector512.Create(1.061405429f), t, Vector512.Create(-1.453152027f));
        p = Vector512.FusedMultiplyAdd(p, t, Vector512.Create(1.421413741f));
        p = Vector512.FusedMultiplyAdd(p, t, Vector512.Create(-0.284496736f));
        p = Vector512.FusedMultiplyAdd(p, t, Vector512.Create(0.254829592f));
        var tail = 0.5f * p * t * Exp(-z * z);                                                    // 1 - Φ(|x|)
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<float>.Zero), tail, Vector512<float>.One - tail);
    }
}
