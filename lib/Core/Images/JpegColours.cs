using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ClipNotebooks.Core.Images;

/// <summary>
/// Turns a JPEG's planes into pixels, bit for bit as libjpeg does: jdsample.c's "fancy" interpolation of the colours, jdcolor.c's
/// conversion in 16 bits of fraction.
/// </summary>
internal static unsafe class JpegColours
{
    /// <summary>Pixels processed at a time; rows of samples are padded by as many.</summary>
    private const int Lanes = 16;

    /// <summary>Gray or YCbCr → four bytes a pixel.</summary>
    /// <param name="target">4 · width · height bytes.</param>
    /// <param name="width">W.</param>
    /// <param name="height">H.</param>
    /// <param name="components">One, or three.</param>
    /// <param name="across">How many columns the first component has for each column of the others: 1 or 2.</param>
    /// <param name="down">The same for rows.</param>
    internal static void Place(Span<byte> target, int width, int height, JpegFile.Component[] components, int across, int down)
    {
        int room = width + 4 * Lanes;
        byte[] scratch = ArrayPool<byte>.Shared.Rent(4 * room);
        var (light, blue, red) = (components[0], components[components.Length / 2], components[^1]);
        fixed (byte* pixels = target, lights = light.Samples, blues = blue.Samples, reds = red.Samples, space = scratch)
        {
            int halfRows = (height + 1) / 2;
            for (int y = 0; y < height; y++)
            {
                // With half the rows, a row is interpolated between its own and the one above or below.
                int own = y / down, other = down == 1 ? own : Math.Clamp(own + (y & 1) * 2 - 1, 0, halfRows - 1);
                byte* b = blues + (nint)own * blue.Stride, r = reds + (nint)own * red.Stride;
                if (across == 2)
                {
                    Widen(b, blues + (nint)other * blue.Stride, down, (width + 1) / 2, (ushort*)(space + 2 * room) + Lanes, space);
                    Widen(r, reds + (nint)other * red.Stride, down, (width + 1) / 2, (ushort*)(space + 2 * room) + Lanes, space + room);
                    b = space;
                    r = space + room;
                }
                Row(lights + (nint)y * light.Stride, components.Length == 1 ? null : b, r, (uint*)pixels + (nint)y * width, width);
            }
        }
        ArrayPool<byte>.Shared.Return(scratch);
    }

    /// <summary>
    /// Interpolates a row of colours with half the columns to full width: each pixel takes three quarters of the nearer sample and a
    /// quarter of the other, and likewise between rows.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen(byte* own, byte* other, int down, int count, ushort* sums, byte* target)
    {
        for (int i = 0; i < count; i += Lanes)
        {
            var sum = Sixteen(own + i);
            (down == 1 ? sum : 3 * sum + Sixteen(other + i)).Store(sums + i);
        }
        (sums[-1], sums[count]) = (sums[0], sums[count - 1]);
        var (left, right) = down == 1 ? (Vector256.Create((ushort)1), Vector256.Create((ushort)2))
            : (Vector256.Create((ushort)8), Vector256.Create((ushort)7));
        int shift = down == 1 ? 2 : 4;
        for (int i = 0; i < count; i += Lanes)
        {
            var near = 3 * Vector256.Load(sums + i);
            var (even, odd) = (near + Vector256.Load(sums + i - 1) + left >> shift, near + Vector256.Load(sums + i + 1) + right >> shift);
            (even | odd << 8).Store((ushort*)target + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> Sixteen(byte* samples) => Vector256.WidenLower(Vector128.Load(samples).ToVector256Unsafe());

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row(byte* lights, byte* blues, byte* reds, uint* pixels, int width)
    {
        var (zero, most, opaque, half, centre) = (Vector512<int>.Zero, Vector512.Create(255), Vector512.Create(unchecked((int)0xff000000)),
            Vector512.Create(1 << 15), Vector512.Create(128));
        uint* last = stackalloc uint[Lanes];
        for (int x = 0; x < width; x += Lanes)
        {
            var light = Resizer.Widen(Vector128.Load(lights + x));
            var (red, green, blue) = (light, light, light);
            if (blues is not null)
            {
                var (cb, cr) = (Resizer.Widen(Vector128.Load(blues + x)) - centre, Resizer.Widen(Vector128.Load(reds + x)) - centre);
                red = Clip(light + (91881 * cr + half >> 16));                                    // 1.402
                green = Clip(light + (half - 22554 * cb - 46802 * cr >> 16));                     // 0.34414, 0.71414
                blue = Clip(light + (116130 * cb + half >> 16));                                  // 1.772
            }
            var four = (red | green << 8 | blue << 16 | opaque).AsUInt32();
            if (width - x >= Lanes)
            {
                four.Store(pixels + x);
                continue;
            }
            four.Store(last);
            new ReadOnlySpan<uint>(last, width - x).CopyTo(new Span<uint>(pixels + x, width - x));
        }

        Vector512<int> Clip(Vector512<int> x) => Vector512.Min(Vector512.Max(x, zero), most);
    }
}
