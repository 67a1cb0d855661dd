using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// The innermost part of every product: a tile of the output whose sums stay in registers while the inner dimension is traversed. With
/// AVX-512 a tile is 10 rows × 32 columns: its 320 sums fill 20 of 32 registers, and each step takes 12 loads for 20 multiplications. With
/// AVX2 it is 5 × 16: 80 sums in 10 of 16 registers, and 7 loads for 10 multiplications. So the multipliers are the bottleneck, not the
/// loads. The code is written out for each: sums stay in registers only as named variables, whose number and width differ.
/// </summary>
internal static unsafe class Tile
{
    /// <summary>The number of float32 values in a cache line, and in the vectors by which rows are traversed.</summary>
    internal const int Lanes = 16;

    private const int Half = Lanes / 2;

    internal static int Rows => Avx512F.IsSupported ? 10 : 5;

    internal static int Columns => Avx512F.IsSupported ? 2 * Lanes : Lanes;

    /// <summary>Bytes of <c>b</c> for one step of the inner dimension.</summary>
    internal static int StepBytes => Columns * sizeof(float);

    internal static bool IsSupported => Avx512F.IsSupported || Avx2.IsSupported && Fma.IsSupported;

    /// <summary>The name of the instruction set in use.</summary>
    internal static string Instructions => Avx512F.IsSupported ? "AVX-512" : "AVX2";

    /// <summary>
    /// c = a · b, (R, I) · (I, C) → (R, C), where R is <see cref="Rows"/> and C <see cref="Columns"/>; a bias and the former c can be
    /// added. All strides are in values.
    /// </summary>
    /// <param name="a">R rows; all are read, even past the last real one.</param>
    /// <param name="strideA">The distance between rows of a.</param>
    /// <param name="b">C values for each step of the inner dimension.</param>
    /// <param name="strideB">The distance between steps in b.</param>
    /// <param name="inner">I.</param>
    /// <param name="c">The result; all R rows and C columns are written, even past the last real ones.</param>
    /// <param name="strideC">The distance between rows of c.</param>
    /// <param name="bias">C values; null for zeros.</param>
    /// <param name="add">Whether the former values of c are added.</param>
    /// <param name="ahead">
    /// Memory that will be needed soon and is prefetched meanwhile, <paramref name="aheadStep"/> bytes a step. Any address is safe.
    /// </param>
    /// <param name="aheadStep">Bytes prefetched in a step, up to <see cref="StepBytes"/>.</param>
    internal static void Multiply(float* a, nint strideA, float* b, nint strideB, int inner, float* c, nint strideC, float* bias, bool add,
        byte* ahead, nint aheadStep)
    {
        if (Avx512F.IsSupported) Multiply10(a, strideA, b, strideB, inner, c, strideC, bias, add, ahead, aheadStep);
        else Multiply5(a, strideA, b, strideB, inner, c, strideC, bias, add, ahead, aheadStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply5(float* a, nint strideA, float* b, nint strideB, int inner, float* c, nint strideC, float* bias, bool add,
        byte* ahead, nint aheadStep)
    {
        var (bias0, bias1) = bias is null ? (Vector256<float>.Zero, Vector256<float>.Zero)
            : (Vector256.Load(bias), Vector256.Load(bias + Half));
        var kept = add ? Vector256<float>.AllBitsSet : Vector256<float>.Zero;
        var (c00, c01) = (bias0 + (kept & Vector256.Load(c)), bias1 + (kept & Vector256.Load(c + Half)));
        var (c10, c11) = (bias0 + (kept & Vector256.Load(c + strideC)), bias1 + (kept & Vector256.Load(c + strideC + Half)));
        var (c20, c21) = (bias0 + (kept & Vector256.Load(c + 2 * strideC)), bias1 + (kept & Vector256.Load(c + 2 * strideC + Half)));
        var (c30, c31) = (bias0 + (kept & Vector256.Load(c + 3 * strideC)), bias1 + (kept & Vector256.Load(c + 3 * strideC + Half)));
        var (c40, c41) = (bias0 + (kept & Vector256.Load(c + 4 * strideC)), bias1 + (kept & Vector256.Load(c + 4 * strideC + Half)));

        for (float* end = a + inner; a < end; a++, b += strideB, ahead += aheadStep)
        {
            Sse.Prefetch1(ahead);
            var (b0, b1) = (Vector256.Load(b), Vector256.Load(b + Half));
            var x = Vector256.Create(*a);
            (c00, c01) = (Fma.MultiplyAdd(x, b0, c00), Fma.MultiplyAdd(x, b1, c01));
            x = Vector256.Create(a[strideA]);
            (c10, c11) = (Fma.MultiplyAdd(x, b0, c10), Fma.MultiplyAdd(x, b1, c11));
            x = Vector256.Create(a[2 * strideA]);
            (c20, c21) = (Fma.MultiplyAdd(x, b0, c20), Fma.MultiplyAdd(x, b1, c21));
            x = Vector256.Create(a[3 * strideA]);
            (c30, c31) = (Fma.MultiplyAdd(x, b0, c30), Fma.MultiplyAdd(x, b1, c31));
            x = Vector256.Create(a[4 * strideA]);
            (c40, c41) = (Fma.MultiplyAdd(x, b0, c40), Fma.MultiplyAdd(x, b1, c41));
        }

        Store(c, c00, c01);
        Store(c + strideC, c10, c11);
        Store(c + 2 * strideC, c20, c21);
        Store(c + 3 * strideC, c30, c31);
        Store(c + 4 * strideC, c40, c41);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply10(float* a, nint strideA, float* b, nint strideB, int inner, float* c, nint strideC, float* bias, bool add,
        byte* ahead, nint aheadStep)
    {
        var (bias0, bias1) = bias is null ? (Vector512<float>.Zero, Vector512<float>.Zero)
            : (Vector512.Load(bias), Vector512.Load(bias + Lanes));
        var kept = add ? Vector512<float>.AllBitsSet : Vector512<float>.Zero;
        var (c00, c01) = (bias0 + (kept & Vector512.Load(c)), bias1 + (kept & Vector512.Load(c + Lanes)));
        var (c10, c11) = (bias0 + (kept & Vector512.Load(c + strideC)), bias1 + (kept & Vector512.Load(c + strideC + Lanes)));
        var (c20, c21) = (bias0 + (kept & Vector512.Load(c + 2 * strideC)), bias1 + (kept & Vector512.Load(c + 2 * strideC + Lanes)));
        var (c30, c31) = (bias0 + (kept & Vector512.Load(c + 3 * strideC)), bias1 + (kept & Vector512.Load(c + 3 * strideC + Lanes)));
        var (c40, c41) = (bias0 + (kept & Vector512.Load(c + 4 * strideC)), bias1 + (kept & Vector512.Load(c + 4 * strideC + Lanes)));
        var (c50, c51) = (bias0 + (kept & Vector512.Load(c + 5 * strideC)), bias1 + (kept & Vector512.Load(c + 5 * strideC + Lanes)));
        var (c60, c61) = (bias0 + (kept & Vector512.Load(c + 6 * strideC)), bias1 + (kept & Vector512.Load(c + 6 * strideC + Lanes)));
        var (c70, c71) = (bias0 + (kept & Vector512.Load(c + 7 * strideC)), bias1 + (kept & Vector512.Load(c + 7 * strideC + Lanes)));
        var (c80, c81) = (bias0 + (kept & Vector512.Load(c + 8 * strideC)), bias1 + (kept & Vector512.Load(c + 8 * strideC + Lanes)));
        var (c90, c91) = (bias0 + (kept & Vector512.Load(c + 9 * strideC)), bias1 + (kept & Vector512.Load(c + 9 * strideC + Lanes)));

        for (float* end = a + inner; a < end; a++, b += strideB, ahead += aheadStep)
        {
            Sse.Prefetch1(ahead);
            Sse.Prefetch1(ahead + aheadStep / 2);
            var (b0, b1) = (Vector512.Load(b), Vector512.Load(b + Lanes));
            var x = Vector512.Create(*a);
            (c00, c01) = (Avx512F.FusedMultiplyAdd(x, b0, c00), Avx512F.FusedMultiplyAdd(x, b1, c01));
            x = Vector512.Create(a[strideA]);
            (c10, c11) = (Avx512F.FusedMultiplyAdd(x, b0, c10), Avx512F.FusedMultiplyAdd(x, b1, c11));
            x = Vector512.Create(a[2 * strideA]);
            (c20, c21) = (Avx512F.FusedMultiplyAdd(x, b0, c20), Avx512F.FusedMultiplyAdd(x, b1, c21));
            x = Vector512.Create(a[3 * strideA]);
            (c30, c31) = (Avx512F.FusedMultiplyAdd(x, b0, c30), Avx512F.FusedMultiplyAdd(x, b1, c31));
            x = Vector512.Create(a[4 * strideA]);
            (c40, c41) = (Avx512F.FusedMultiplyAdd(x, b0, c40), Avx512F.FusedMultiplyAdd(x, b1, c41));
            x = Vector512.Create(a[5 * strideA]);
            (c50, c51) = (Avx512F.FusedMultiplyAdd(x, b0, c50), Avx512F.FusedMultiplyAdd(x, b1, c51));
            x = Vector512.Create(a[6 * strideA]);
            (c60, c61) = (Avx512F.FusedMultiplyAdd(x, b0, c60), Avx512F.FusedMultiplyAdd(x, b1, c61));
            x = Vector512.Create(a[7 * strideA]);
            (c70, c71) = (Avx512F.FusedMultiplyAdd(x, b0, c70), Avx512F.FusedMultiplyAdd(x, b1, c71));
            x = Vector512.Create(a[8 * strideA]);
            (c80, c81) = (Avx512F.FusedMultiplyAdd(x, b0, c80), Avx512F.FusedMultiplyAdd(x, b1, c81));
            x = Vector512.Create(a[9 * strideA]);
            (c90, c91) = (Avx512F.FusedMultiplyAdd(x, b0, c90), Avx512F.FusedMultiplyAdd(x, b1, c91));
        }

        Store(c, c00, c01);
        Store(c + strideC, c10, c11);
        Store(c + 2 * strideC, c20, c21);
        Store(c + 3 * strideC, c30, c31);
        Store(c + 4 * strideC, c40, c41);
        Store(c + 5 * strideC, c50, c51);
        Store(c + 6 * strideC, c60, c61);
        Store(c + 7 * strideC, c70, c71);
        Store(c + 8 * strideC, c80, c81);
        Store(c + 9 * strideC, c90, c91);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* c, Vector512<float> left, Vector512<float> right)
    {
        left.Store(c);
        right.Store(c + Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* c, Vector256<float> left, Vector256<float> right)
    {
        left.Store(c);
        right.Store(c + Half);
    }
}
