using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ClipNotebooks.Core.Images;

/// <summary>
/// The inverse cosine transform of 8 × 8 coefficients in integers, bit for bit that of libjpeg's default method (the algorithm of Loeffler,
/// Ligtenberg and Moschytz 1989 with 12 multiplications; constants are scaled by 2¹³, the first pass keeps two bits more): columns first,
/// then rows, eight at a time.
/// </summary>
internal static unsafe class InverseDct
{
    private const int Constant = 13, Extra = 2, Centre = 128;

    /// <summary>Transforms dequantised coefficients, stored row by row, to samples.</summary>
    /// <param name="block">8 × 8.</param>
    /// <param name="samples">The first of eight rows of eight.</param>
    /// <param name="stride">Bytes from row to row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Transform(int* block, byte* samples, nint stride)
    {
        Pass(block, Constant - Extra);
        Transpose(block);
        Pass(block, Constant + Extra + 3);
        Transpose(block);
        for (int y = 0; y < 8; y++) *(ulong*)(samples + y * stride) =
            Resizer.Clip(Vector256.Load(block + 8 * y) + Vector256.Create(Centre));
    }

    /// <summary>Transforms a block in which only the first coefficient is not 0: to 64 equal samples.</summary>
    internal static void Flat(int first, byte* samples, nint stride)
    {
        ulong eight = 0x0101010101010101 * (ulong)Math.Clamp((first + 4 >> 3) + Centre, 0, 255);
        for (int y = 0; y < 8; y++) *(ulong*)(samples + y * stride) = eight;
    }

    /// <summary>One pass, down the columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pass(int* block, int shift)
    {
        var (x0, x1, x2, x3) = (Vector256.Load(block), Vector256.Load(block + 8), Vector256.Load(block + 16), Vector256.Load(block + 24));
        var (x4, x5, x6, x7) = (Vector256.Load(block + 32), Vector256.Load(block + 40), Vector256.Load(block + 48),
            Vector256.Load(block + 56));
        var half = Vector256.Create(1 << (shift - 1));

        var shared = (x2 + x6) * 4433;
        var (even2, even3, sum, difference) = (shared - x6 * 15137, shared + x2 * 6270, (x0 + x4 << Constant) + half,
            (x0 - x4 << Constant) + half);
        var (e0, e1, e2, e3) = (sum + even3, difference + even2, difference - even2, sum - even3);

        var z5 = (x7 + x3 + x5 + x1) * 9633;
        var (z1, z2, z3, z4) = ((x7 + x1) * -7373, (x5 + x3) * -20995, (x7 + x3) * -16069 + z5, (x5 + x1) * -3196 + z5);
        var (o0, o1, o2, o3) = (x1 * 12299 + z1 + z4, x3 * 25172 + z2 + z3, x5 * 16819 + z2 + z4, x7 * 2446 + z1 + z3);

        (e0 + o0 >> shift).Store(block);
        (e1 + o1 >> shift).Store(block + 8);
        (e2 + o2 >> shift).Store(block + 16);
        (e3 + o3 >> shift).Store(block + 24);
        (e3 - o3 >> shift).Store(block + 32);
        (e2 - o2 >> shift).Store(block + 40);
        (e1 - o1 >> shift).Store(block + 48);
        (e0 - o0 >> shift).Store(block + 56);
    }

    /// <summary>Transposes 8 × 8 values in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(int* block)
    {
        if (!Avx2.IsSupported)
        {
            for (int y = 0; y < 8; y++)
                for (int x = 0; x < y; x++) (block[8 * y + x], block[8 * x + y]) = (block[8 * x + y], block[8 * y + x]);
            return;
        }
        var (x0, x1, x2, x3) = Four(block);
        var (x4, x5, x6, x7) = Four(block + 4);
        x0.Store(block);
        x1.Store(block + 8);
        x2.Store(block + 16);
        x3.Store(block + 24);
        x4.Store(block + 32);
        x5.Store(block + 40);
        x6.Store(block + 48);
        x7.Store(block + 56);
    }

    /// <summary>Four columns of eight rows → four rows of eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<int>, Vector256<int>, Vector256<int>, Vector256<int>) Four(int* block)
    {
        var (a, b) = (Vector256.Create(Vector128.Load(block), Vector128.Load(block + 32)),
            Vector256.Create(Vector128.Load(block + 8), Vector128.Load(block + 40)));
        var (c, d) = (Vector256.Create(Vector128.Load(block + 16), Vector128.Load(block + 48)),
            Vector256.Create(Vector128.Load(block + 24), Vector128.Load(block + 56)));
        var (ab, cd) = (Avx2.UnpackLow(a, b).AsInt64(), Avx2.UnpackLow(c, d).AsInt64());
        var (AB, CD) = (Avx2.UnpackHigh(a, b).AsInt64(), Avx2.UnpackHigh(c, d).AsInt64());
        return (Avx2.UnpackLow(ab, cd).AsInt32(), Avx2.UnpackHigh(ab, cd).AsInt32(), Avx2.UnpackLow(AB, CD).AsInt32(),
            Avx2.UnpackHigh(AB, CD).AsInt32());
    }
}
