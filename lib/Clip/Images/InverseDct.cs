namespace ClipNotebooks.Clip.Images;

/// <summary>
/// The inverse cosine transform of 8 × 8 coefficients in integers, bit for bit that of libjpeg's default method (the algorithm of Loeffler, Ligtenberg and Moschytz 1989 with 12
/// multiplications; constants are scaled by 2¹³, the first pass keeps two bits more).
/// </summary>
internal static class InverseDct
{
    private const int Constant = 13, Extra = 2;

    /// <summary>Coefficients, dequantised, in rows → samples around 0, in place.</summary>
    internal static void Transform(Span<int> block)
    {
        for (int column = 0; column < 8; column++) Pass(block, column, 8, Constant - Extra);
        for (int row = 0; row < 8; row++) Pass(block, 8 * row, 1, Constant + Extra + 3);
    }

    private static void Pass(Span<int> block, int start, int step, int shift)
    {
        Span<int> x = stackalloc int[8];
        for (int i = 0; i < 8; i++) x[i] = block[start + i * step];

        int shared = (x[2] + x[6]) * 4433, even2 = shared - x[6] * 15137, even3 = shared + x[2] * 6270;
        int sum = (x[0] + x[4]) << Constant, difference = (x[0] - x[4]) << Constant;
        ReadOnlySpan<int> even = [sum + even3, difference + even2, difference - even2, sum - even3];

        int z5 = (x[7] + x[3] + x[5] + x[1]) * 9633;
        int z1 = (x[7] + x[1]) * -7373, z2 = (x[5] + x[3]) * -20995, z3 = (x[7] + x[3]) * -16069 + z5, z4 = (x[5] + x[1]) * -3196 + z5;
        ReadOnlySpan<int> odd = [x[1] * 12299 + z1 + z4, x[3] * 25172 + z2 + z3, x[5] * 16819 + z2 + z4, x[7] * 2446 + z1 + z3];

        int half = 1 << (shift - 1);
        for (int i = 0; i < 4; i++)
        {
            block[start + i * step] = (even[i] + odd[i] + half) >> shift;
            block[start + (7 - i) * step] = (even[i] - odd[i] + half) >> shift;
        }
    }
}
