using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ClipNotebooks.Clip.Images;

/// <summary>
/// The weights of a pass along rows, each four times, for sums over two neighbouring pixels at a time: four samples of one beside four of the next.
/// </summary>
internal sealed class TapPairs
{
    private readonly Taps _taps;
    private readonly int[] _weights;

    internal TapPairs(Taps taps)
    {
        (_taps, _weights) = (taps, new int[4 * taps.Weights.Length]);
        int[] fixedPoint = taps.Fixed();
        for (int i = 0; i < fixedPoint.Length; i++) _weights.AsSpan(4 * i, 4).Fill(fixedPoint[i]);
    }

    /// <summary>A row of pixels, four samples in one number, → its outputs.</summary>
    internal void Sum(ReadOnlySpan<uint> row, Span<uint> outputs)
    {
        for (int x = 0; x < outputs.Length; x++)
        {
            // The slices' ends are checked here, once for an output, and not for every tap.
            var taps = row.Slice(_taps.First[x], _taps.Count[x]);
            ref uint pixel = ref MemoryMarshal.GetReference(taps);
            ref int factor = ref MemoryMarshal.GetReference(_weights.AsSpan(4 * x * _taps.Most, 4 * taps.Length));
            var sums = Vector256<int>.Zero;
            int k = 0;
            for (; k < taps.Length - 1; k += 2)
                sums += Resizer.Widen(Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<uint, byte>(ref Unsafe.Add(ref pixel, k)))) * Vector256.LoadUnsafe(ref factor, (nuint)(4 * k));
            var sum = sums.GetLower() + sums.GetUpper() + Vector128.Create(Resizer.Half);
            if (k < taps.Length) sum += Resizer.Widen(Unsafe.Add(ref pixel, k)).GetLower() * Vector128.LoadUnsafe(ref factor, (nuint)(4 * k));
            outputs[x] = (uint)Resizer.Narrow(sum.ToVector256Unsafe());
        }
    }
}
