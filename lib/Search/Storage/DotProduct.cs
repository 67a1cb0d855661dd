using System.Runtime.Intrinsics;

namespace ClipNotebooks.Search.Storage;

/// <summary>A query against rows as they lie in the file.</summary>
internal sealed class DotProduct
{
    // A float16 moved into a float32's place, without a change of its exponent's bias, is the value times 2^-112, subnormals included. The
    // query carries 2^112 instead.
    private const float Bias = 5.192296858534828e33f;

    private readonly float[] _query;
    private readonly float[] _even = [];
    private readonly float[] _odd = [];
    private readonly bool _half;

    /// <param name="query">(E): at most 1 in magnitude.</param>
    /// <param name="storage">What the rows are.</param>
    internal DotProduct(float[] query, VectorStorage storage)
    {
        _half = storage == VectorStorage.Float16;
        _query = _half ? [.. query.Select(value => value * Bias)] : query;
        if (!_half) return;
        _even = [.. _query.Where((_, i) => i % 2 == 0)];
        _odd = [.. _query.Where((_, i) => i % 2 == 1)];
    }

    internal unsafe float With(byte* row) => _half ? Half16((ushort*)row) : Single32((float*)row);

    private unsafe float Single32(float* row)
    {
        int width = _query.Length, i = 0;
        var (a, b, c, d) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        float sum = 0;
        fixed (float* query = _query)
        {
            for (; i <= width - 32; i += 32)
            {
                a = Vector256.MultiplyAddEstimate(Vector256.Load(row + i), Vector256.Load(query + i), a);
                b = Vector256.MultiplyAddEstimate(Vector256.Load(row + i + 8), Vector256.Load(query + i + 8), b);
                c = Vector256.MultiplyAddEstimate(Vector256.Load(row + i + 16), Vector256.Load(query + i + 16), c);
                d = Vector256.MultiplyAddEstimate(Vector256.Load(row + i + 24), Vector256.Load(query + i + 24), d);
            }
            for (; i <= width - 8; i += 8) a = Vector256.MultiplyAddEstimate(Vector256.Load(row + i), Vector256.Load(query + i), a);
            for (; i < width; i++) sum += row[i] * query[i];
        }
        return sum + Vector256.Sum(a + b + (c + d));
    }

    /// <summary>
    /// Two float16 are one int: the upper one moves down by 3 bits, the lower one up by 13, and neither needs to be widened.
    /// </summary>
    private unsafe float Half16(ushort* row)
    {
        int width = _query.Length, pairs = width / 2, i = 0;
        var (a, b, c, d) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        float sum = 0;
        fixed (float* even = _even, odd = _odd)
        {
            for (; i <= pairs - 16; i += 16)
            {
                var (first, second) = (Vector256.Load((int*)row + i), Vector256.Load((int*)row + i + 8));
                a = Vector256.MultiplyAddEstimate(Lower(first), Vector256.Load(even + i), a);
                b = Vector256.MultiplyAddEstimate(Upper(first), Vector256.Load(odd + i), b);
                c = Vector256.MultiplyAddEstimate(Lower(second), Vector256.Load(even + i + 8), c);
                d = Vector256.MultiplyAddEstimate(Upper(second), Vector256.Load(odd + i + 8), d);
            }
        }
        for (i *= 2; i < width; i++) sum += BitConverter.Int32BitsToSingle(((short)row[i] << 13) & Kept) * _query[i];
        return sum + Vector256.Sum(a + b + (c + d));
    }

    /// <summary>Sign, exponent and fraction of a float16 in a float32's places.</summary>
    private const int Kept = unchecked((int)0x8fff_e000);

    private static Vector256<float> Lower(Vector256<int> pair) => (pair << 16 >> 3 & Vector256.Create(Kept)).AsSingle();

    private static Vector256<float> Upper(Vector256<int> pair) => (pair >> 3 & Vector256.Create(Kept)).AsSingle();
}
