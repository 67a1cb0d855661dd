using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ClipNotebooks.Search.Storage;

/// <summary>
/// Dot products of a query with rows as they are stored in the file, two rows at a time: memory delivers two streams faster than one.
/// Compiled with full optimisation at once, since a process may search only once.
/// </summary>
internal sealed class DotProduct
{
    // The bits of a float16, moved to their places in a float32 without changing the exponent's bias, are the value times 2^-112,
    // subnormals included. The query is multiplied by 2^112 to make up for it. NaN and infinity become numbers of 65,536 and more.
    private const float Bias = 5.192296858534828e33f;

    private readonly float[] _query;
    private readonly float[] _even = [];
    private readonly float[] _odd = [];
    private readonly bool _half;

    /// <param name="query">(E) values, of magnitude 1 at most.</param>
    /// <param name="storage">How the rows are stored.</param>
    internal DotProduct(float[] query, VectorStorage storage)
    {
        _half = storage == VectorStorage.Float16;
        _query = _half ? [.. query.Select(value => value * Bias)] : query;
        if (!_half) return;
        _even = [.. _query.Where((_, i) => i % 2 == 0)];
        _odd = [.. _query.Where((_, i) => i % 2 == 1)];
    }

    /// <summary>
    /// The query's dot products with two rows, which may lie anywhere and may be the same. A row's sum is the same in either position: its
    /// additions have the same order.
    /// </summary>
    internal unsafe (float First, float Second) With(byte* first, byte* second) =>
        _half ? Half16((ushort*)first, (ushort*)second) : Single32((float*)first, (float*)second);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private unsafe (float First, float Second) Single32(float* first, float* second)
    {
        int width = _query.Length, i = 0;
        var (a, b, c, d) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        float sum = 0, other = 0;
        fixed (float* query = _query)
        {
            for (; i <= width - 16; i += 16)
            {
                var (low, high) = (Vector256.Load(query + i), Vector256.Load(query + i + 8));
                a = Vector256.MultiplyAddEstimate(Vector256.Load(first + i), low, a);
                b = Vector256.MultiplyAddEstimate(Vector256.Load(first + i + 8), high, b);
                c = Vector256.MultiplyAddEstimate(Vector256.Load(second + i), low, c);
                d = Vector256.MultiplyAddEstimate(Vector256.Load(second + i + 8), high, d);
            }
            for (; i < width; i++) (sum, other) = (sum + first[i] * query[i], other + second[i] * query[i]);
        }
        return (sum + Vector256.Sum(a + b), other + Vector256.Sum(c + d));
    }

    /// <summary>
    /// Reads two float16 as one int: the upper one is shifted down by 3 bits, the lower one up by 13, and neither needs to be converted.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private unsafe (float First, float Second) Half16(ushort* first, ushort* second)
    {
        int width = _query.Length, pairs = width / 2, i = 0;
        var (a, b, c, d) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        float sum = 0, other = 0;
        fixed (float* even = _even, odd = _odd)
        {
            for (; i <= pairs - 8; i += 8)
            {
                (a, b) = AddHalves(Vector256.Load((int*)first + i), even + i, odd + i, a, b);
                (c, d) = AddHalves(Vector256.Load((int*)second + i), even + i, odd + i, c, d);
            }
        }
        for (i *= 2; i < width; i++) (sum, other) = (sum + Widened(first[i]) * _query[i], other + Widened(second[i]) * _query[i]);
        return (sum + Vector256.Sum(a + b), other + Vector256.Sum(c + d));
    }

    private static unsafe (Vector256<float>, Vector256<float>) AddHalves(
        Vector256<int> pair, float* even, float* odd, Vector256<float> toEven, Vector256<float> toOdd) =>
        (Vector256.MultiplyAddEstimate(Lower(pair), Vector256.Load(even), toEven),
            Vector256.MultiplyAddEstimate(Upper(pair), Vector256.Load(odd), toOdd));

    /// <summary>Masks the sign, exponent and fraction of a float16 at their places in a float32.</summary>
    private const int Kept = unchecked((int)0x8fff_e000);

    private static float Widened(ushort half) => BitConverter.Int32BitsToSingle(((short)half << 13) & Kept);

    private static Vector256<float> Lower(Vector256<int> pair) => (pair << 16 >> 3 & Vector256.Create(Kept)).AsSingle();

    private static Vector256<float> Upper(Vector256<int> pair) => (pair >> 3 & Vector256.Create(Kept)).AsSingle();
}
