using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ClipNotebooks.Core.Images;

/// <summary>
/// Pillow's resize, bit for bit, for a window of the result: one pass along rows and one along columns, each rounded to the sample's type,
/// and skipped if the size does not change. Only the source rows and columns that the window needs are touched.
/// </summary>
internal static class Resizer
{
    /// <summary>One half in fixed point, added so that the right shift rounds.</summary>
    internal const int Half = 1 << (Taps.FractionalBits - 1);

    /// <summary>Resizes to <paramref name="size"/> and cuts out <paramref name="window"/>, in the image's own layout.</summary>
    internal static RasterImage Resize(
        RasterImage image, (int Width, int Height) size, (int X, int Y, int Width, int Height) window, Interpolation interpolation)
    {
        if (image.Layout == SampleLayout.Gray16) return RasterImage.FromGray16(
            window.Width, window.Height, Gray16(image, size, window, interpolation));
        var result = RasterImage.Rent(window.Width, window.Height, image.Layout);
        if (image.Layout == SampleLayout.Indexed || interpolation == Interpolation.Nearest)
        {
            Nearest(image, size, window, result.Writable);
            return result;
        }

        bool unpremultiply = image.Layout == SampleLayout.Rgba && size != (image.Width, image.Height);
        var samples = unpremultiply ? Premultiply(image.Samples) : image.Samples;
        if (IsVerticalFirst(image, size, interpolation))
        {
            var rows = Taps.Compute(image.Height, size.Height, window.Y, window.Height, interpolation);
            byte[] low = ArrayPool<byte>.Shared.Rent(4 * image.Width * window.Height);
            Vertical(samples, image.Width, 0, rows, low.AsSpan(0, 4 * image.Width * window.Height));
            Horizontal(low, image.Width, 0, window.Height, size.Width, window, interpolation, result.Writable);
            ArrayPool<byte>.Shared.Return(low);
        }
        else if (size.Height == image.Height) Horizontal(
            samples, image.Width, window.Y, window.Y + window.Height, size.Width, window, interpolation, result.Writable);
        else
        {
            var rows = Taps.Compute(image.Height, size.Height, window.Y, window.Height, interpolation);
            int top = rows.First[0], bottom = rows.First[^1] + rows.Count[^1];
            byte[] narrow = ArrayPool<byte>.Shared.Rent(4 * window.Width * (bottom - top));
            Horizontal(samples, image.Width, top, bottom, size.Width, window, interpolation, narrow);
            Vertical(narrow, window.Width, top, rows, result.Writable);
            ArrayPool<byte>.Shared.Return(narrow);
        }
        if (unpremultiply) Unpremultiply(result.Writable);
        return result;
    }

    /// <summary>Resizes the source rows top … bottom − 1 to the new width, for the window's columns only.</summary>
    private static void Horizontal(ReadOnlySpan<byte> source, int width, int top, int bottom, int newWidth,
        (int X, int Y, int Width, int Height) window, Interpolation interpolation, Span<byte> result)
    {
        if (newWidth == width)
        {
            for (int y = top; y < bottom; y++)
                source.Slice(4 * (y * width + window.X), 4 * window.Width).CopyTo(result[(4 * (y - top) * window.Width)..]);
            return;
        }

        var taps = Taps.Compute(width, newWidth, window.X, window.Width, interpolation);
        int[] weights = taps.FixedFourTimes();
        for (int y = top; y < bottom; y++)
        {
            var row = MemoryMarshal.Cast<byte, uint>(source.Slice(4 * y * width, 4 * width));
            var target = MemoryMarshal.Cast<byte, uint>(result.Slice(4 * (y - top) * window.Width, 4 * window.Width));
            Sum(row, taps, weights, target);
        }
    }

    /// <summary>
    /// Computes a row's outputs from its pixels, each four samples in one number. Takes two or four neighbouring pixels at a time, with
    /// their samples side by side in a vector.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum(ReadOnlySpan<uint> row, Taps taps, int[] weights, Span<uint> outputs)
    {
        for (int x = 0; x < outputs.Length; x++)
        {
            // Slicing checks the bounds here, once for an output, and not for every tap.
            var pixels = row.Slice(taps.First[x], taps.Count[x]);
            ref uint pixel = ref MemoryMarshal.GetReference(pixels);
            ref int factor = ref MemoryMarshal.GetReference(weights.AsSpan(4 * x * taps.Most, 4 * pixels.Length));
            int k = 0;
            var four = Vector512<int>.Zero;
            for (; Vector512.IsHardwareAccelerated && k < pixels.Length - 3; k += 4)
                four += Widen(Unsafe.ReadUnaligned<Vector128<byte>>(ref Unsafe.As<uint, byte>(
                    ref Unsafe.Add(ref pixel, k)))) * Vector512.LoadUnsafe(ref factor, (nuint)(4 * k));
            var sums = four.GetLower() + four.GetUpper();
            for (; k < pixels.Length - 1; k += 2)
                sums += Widen(Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<uint, byte>(ref Unsafe.Add(ref pixel, k)))) * Vector256.LoadUnsafe(
                    ref factor, (nuint)(4 * k));
            var sum = sums.GetLower() + sums.GetUpper() + Vector128.Create(Half);
            if (k < pixels.Length) sum += Widen(Unsafe.Add(ref pixel, k)).GetLower() * Vector128.LoadUnsafe(ref factor, (nuint)(4 * k));
            outputs[x] = (uint)Narrow(sum.ToVector256Unsafe());
        }
    }

    /// <summary>
    /// Computes the window's rows from rows that begin at source row <paramref name="top"/>, four or two pixels (sixteen or eight samples)
    /// at a time.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Vertical(ReadOnlySpan<byte> source, int width, int top, Taps taps, Span<byte> result)
    {
        int[] weights = taps.Fixed();
        for (int y = 0; y < taps.First.Length; y++)
        {
            var factors = weights.AsSpan(y * taps.Most, taps.Count[y]);
            var rows = source.Slice(4 * width * (taps.First[y] - top), 4 * width * factors.Length);
            var target = result.Slice(4 * width * y, 4 * width);
            ref byte first = ref MemoryMarshal.GetReference(rows);
            int x = 0;
            for (; Vector512.IsHardwareAccelerated && x <= target.Length - 16; x += 16)
            {
                var sum = Vector512.Create(Half);
                for (int k = 0; k < factors.Length; k++)
                    sum += Widen(Unsafe.ReadUnaligned<Vector128<byte>>(ref Unsafe.Add(ref first, 4 * width * k + x))) * factors[k];
                MemoryMarshal.Write(target[x..], Narrow(sum));
            }
            for (; x <= target.Length - 8; x += 8)
            {
                var sum = Vector256.Create(Half);
                for (int k = 0; k < factors.Length; k++)
                    sum += Widen(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, 4 * width * k + x))) * factors[k];
                MemoryMarshal.Write(target[x..], Narrow(sum));
            }
            for (; x < target.Length; x++)
            {
                int sum = Half;
                for (int k = 0; k < factors.Length; k++) sum += rows[4 * width * k + x] * factors[k];
                target[x] = (byte)Math.Clamp(sum >> Taps.FractionalBits, 0, 255);
            }
        }
    }

    /// <summary>Widens eight samples from 8 to 32 bits each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<int> Widen(ulong samples)
    {
        var words = Vector128.WidenLower(Vector128.CreateScalarUnsafe(samples).AsByte());
        return Vector256.WidenLower(words.ToVector256Unsafe()).AsInt32();
    }

    /// <summary>Widens sixteen samples from 8 to 32 bits each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<int> Widen(Vector128<byte> samples) =>
        Vector512.WidenLower(Vector256.WidenLower(samples.ToVector256Unsafe()).ToVector512Unsafe()).AsInt32();

    /// <summary>Rounds sixteen fixed-point sums down and clips them to eight bits; the sums already include the rounding half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Narrow(Vector512<int> sums)
    {
        var clipped = Vector512.Min(Vector512.Max(sums >> Taps.FractionalBits, Vector512<int>.Zero), Vector512.Create(255));
        var words = Vector256.Narrow(clipped.GetLower(), clipped.GetUpper());
        return Vector128.Narrow(words.GetLower(), words.GetUpper()).AsByte();
    }

    /// <summary>Rounds eight fixed-point sums down and clips them to eight bits; the sums already include the rounding half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Narrow(Vector256<int> sums) => Clip(sums >> Taps.FractionalBits);

    /// <summary>Clips eight numbers to eight bits each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Clip(Vector256<int> numbers)
    {
        var clipped = Vector256.Min(Vector256.Max(numbers, Vector256<int>.Zero), Vector256.Create(255));
        var words = Vector128.Narrow(clipped.GetLower(), clipped.GetUpper());
        return Vector128.Narrow(words, words).AsUInt64().ToScalar();
    }

    /// <summary>
    /// Takes the pixel at the truncated position. The position grows by addition, as in Pillow, which rounds differently from
    /// multiplication.
    /// </summary>
    private static void Nearest(
        RasterImage image, (int Width, int Height) size, (int X, int Y, int Width, int Height) window, Span<byte> result)
    {
        int[] columns = Positions(image.Width, size.Width, window.X, window.Width);
        int[] rows = Positions(image.Height, size.Height, window.Y, window.Height);
        var source = MemoryMarshal.Cast<byte, uint>(image.Samples);
        var target = MemoryMarshal.Cast<byte, uint>(result);
        for (int y = 0; y < window.Height; y++)
            for (int x = 0; x < window.Width; x++)
                target[y * window.Width + x] = source[rows[y] * image.Width + columns[x]];
    }

    /// <summary>The positions of the window's pixels, counted up to from the image's edge.</summary>
    private static int[] Positions(int source, int target, int start, int length)
    {
        var positions = new int[length];
        double scale = (double)source / target, at = scale / 2;
        for (int i = 0; i < start; i++) at += scale;
        for (int i = 0; i < length; i++, at += scale) positions[i] = Math.Min((int)at, source - 1);
        return positions;
    }

    private static ushort[] Gray16(
        RasterImage image, (int Width, int Height) size, (int X, int Y, int Width, int Height) window, Interpolation interpolation)
    {
        var source = image.Gray16;
        if (interpolation == Interpolation.Nearest)
        {
            int[] columns = Positions(image.Width, size.Width, window.X, window.Width);
            return [.. from row in Positions(image.Height, size.Height, window.Y, window.Height)
                       from column in columns
                       select source[row * image.Width + column]];
        }
        var across = Taps.Compute(image.Width, size.Width, window.X, window.Width, interpolation);
        var down = Taps.Compute(image.Height, size.Height, window.Y, window.Height, interpolation);
        if (IsVerticalFirst(image, size, interpolation))
        {
            var low = Pass(
                image.Width, window.Height, size.Height == image.Height ? null : down, 0, window.Y, (x, y) =>
                source[y * image.Width + x], false);
            return Pass(
                window.Width, window.Height, size.Width == image.Width ? null : across, window.X, 0, (x, y) =>
                low[y * image.Width + x], true);
        }
        var narrow = Pass(
            window.Width, image.Height, size.Width == image.Width ? null : across, window.X, 0, (x, y) =>
            source[y * image.Width + x], true);
        return Pass(
            window.Width, window.Height, size.Height == image.Height ? null : down, 0, window.Y, (x, y) =>
            narrow[y * window.Width + x], false);
    }

    /// <summary>One pass over 16-bit samples, along rows or along columns; without taps it only crops.</summary>
    private static ushort[] Pass(int width, int height, Taps? taps, int left, int top, Func<int, int, ushort> source, bool isAlongRows)
    {
        var result = new ushort[width * height];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                int X = x, Y = y;
                result[y * width + x] = taps is null ? source(left + x, top + y)
                    : isAlongRows ? Sum(taps, x, at => source(at, Y)) : Sum(taps, y, at => source(X, at));
            }
        return result;
    }

    /// <summary>
    /// From version 13 on (pull request 9549), Pillow resizes columns first if the image becomes lower and that is much less work; the
    /// results differ by the rounding between the passes. Work is counted in taps; a tap down a column counts as eight, since the
    /// reference's crops only show that its weight is between two and thirty-five.
    /// </summary>
    private static bool IsVerticalFirst(RasterImage image, (int Width, int Height) size, Interpolation interpolation)
    {
        if (size.Height >= image.Height) return false;
        long across = Taps.MostFor(image.Width, size.Width, interpolation), down = Taps.MostFor(image.Height, size.Height, interpolation);
        return 8 * down * size.Height * (image.Width - size.Width) < across * size.Width * (image.Height - size.Height);
    }

    private static ushort Sum(Taps taps, int output, Func<int, ushort> source)
    {
        double sum = 0;
        for (int k = 0; k < taps.Count[output]; k++) sum += taps.Weights[output * taps.Most + k] * source(taps.First[output] + k);
        return (ushort)Math.Clamp(Math.Round(sum, MidpointRounding.AwayFromZero), 0, 65535);
    }

    private static byte[] Premultiply(ReadOnlySpan<byte> samples)
    {
        var result = new byte[samples.Length];
        for (int i = 0; i < samples.Length; i += 4)
        {
            int alpha = samples[i + 3];
            for (int c = 0; c < 3; c++)
            {
                int product = samples[i + c] * alpha + 128;
                result[i + c] = (byte)((product + (product >> 8)) >> 8);
            }
            result[i + 3] = (byte)alpha;
        }
        return result;
    }

    private static void Unpremultiply(Span<byte> samples)
    {
        for (int i = 0; i < samples.Length; i += 4)
        {
            int alpha = samples[i + 3];
            if (alpha is 0 or 255) continue;
            for (int c = 0; c < 3; c++) samples[i + c] = (byte)Math.Min(255, 255 * samples[i + c] / alpha);
        }
    }
}
