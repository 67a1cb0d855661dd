using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ClipNotebooks.Clip.Images;

/// <summary>
/// Pillow's resize, bit for bit, of the window of the result that is asked for: one pass along rows, one along columns, each rounded to the sample's
/// type, each left out where its size does not change. Only the source rows and columns that the window needs are touched.
/// </summary>
internal static class Resizer
{
    private const int FractionalBits = 22;

    /// <summary>Resizes to <paramref name="size"/> and cuts out <paramref name="window"/>, in the image's own layout.</summary>
    internal static DecodedImage Resize(DecodedImage image, (int Width, int Height) size, (int X, int Y, int Width, int Height) window, Interpolation interpolation)
    {
        if (image.Layout == SampleLayout.Gray16) return DecodedImage.FromGray16(window.Width, window.Height, Gray16(image, size, window, interpolation));
        byte[] samples = image.Samples;
        if (image.Layout == SampleLayout.Indexed || interpolation == Interpolation.Nearest)
            return DecodedImage.FromBytes(window.Width, window.Height, image.Layout, Nearest(image, size, window));

        bool resized = size != (image.Width, image.Height);
        if (image.Layout == SampleLayout.Rgba && resized) samples = Premultiply(samples);
        var rows = Taps.Compute(image.Height, size.Height, window.Y, window.Height, interpolation);
        int top = size.Height == image.Height ? window.Y : rows.First[0];
        int bottom = size.Height == image.Height ? window.Y + window.Height : rows.First[^1] + rows.Count[^1];

        var narrow = Horizontal(samples, image.Width, top, bottom, size.Width, window, interpolation);
        var result = size.Height == image.Height ? narrow : Vertical(narrow, window.Width, top, rows);
        if (image.Layout == SampleLayout.Rgba && resized) Unpremultiply(result);
        return DecodedImage.FromBytes(window.Width, window.Height, image.Layout, result);
    }

    /// <summary>Rows top … bottom − 1 of the source, each cut to the window's columns at their new width.</summary>
    private static byte[] Horizontal(byte[] source, int width, int top, int bottom, int newWidth, (int X, int Y, int Width, int Height) window, Interpolation interpolation)
    {
        var result = new byte[4 * window.Width * (bottom - top)];
        if (newWidth == width)
        {
            for (int y = top; y < bottom; y++)
                source.AsSpan(4 * (y * width + window.X), 4 * window.Width).CopyTo(result.AsSpan(4 * (y - top) * window.Width));
            return result;
        }

        var taps = Taps.Compute(width, newWidth, window.X, window.Width, interpolation);
        int[] weights = taps.Fixed();
        for (int y = top; y < bottom; y++)
        {
            var row = MemoryMarshal.Cast<byte, uint>(source.AsSpan(4 * y * width, 4 * width));
            var target = MemoryMarshal.Cast<byte, uint>(result.AsSpan(4 * (y - top) * window.Width, 4 * window.Width));
            for (int x = 0; x < target.Length; x++)
            {
                var sum = Vector128.Create(1 << (FractionalBits - 1));
                var pixels = row.Slice(taps.First[x], taps.Count[x]);
                var factors = weights.AsSpan(x * taps.Most, pixels.Length);
                for (int k = 0; k < pixels.Length; k++) sum += Widen(pixels[k]) * factors[k];
                target[x] = Narrow(sum);
            }
        }
        return result;
    }

    /// <summary>The window's rows, from rows that begin at source row <paramref name="top"/>.</summary>
    private static byte[] Vertical(byte[] source, int width, int top, Taps taps)
    {
        var pixels = MemoryMarshal.Cast<byte, uint>(source);
        var result = new byte[4 * width * taps.First.Length];
        int[] weights = taps.Fixed();
        var sums = new Vector128<int>[width];
        for (int y = 0; y < taps.First.Length; y++)
        {
            Array.Fill(sums, Vector128.Create(1 << (FractionalBits - 1)));
            for (int k = 0; k < taps.Count[y]; k++)
            {
                int weight = weights[y * taps.Most + k];
                var row = pixels.Slice((taps.First[y] - top + k) * width, width);
                for (int x = 0; x < row.Length; x++) sums[x] += Widen(row[x]) * weight;
            }
            var target = MemoryMarshal.Cast<byte, uint>(result.AsSpan(4 * y * width, 4 * width));
            for (int x = 0; x < target.Length; x++) target[x] = Narrow(sums[x]);
        }
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Widen(uint pixel) =>
        Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(pixel).AsByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Narrow(Vector128<int> sum)
    {
        var clipped = Vector128.Min(Vector128.Max(sum >> FractionalBits, Vector128<int>.Zero), Vector128.Create(255));
        var words = Vector128.Narrow(clipped, clipped);
        return Vector128.Narrow(words, words).AsUInt32().ToScalar();
    }

    /// <summary>The pixel at the truncated position; the position grows by addition, as Pillow's does, which rounds otherwise than multiplying.</summary>
    private static byte[] Nearest(DecodedImage image, (int Width, int Height) size, (int X, int Y, int Width, int Height) window)
    {
        int[] columns = Positions(image.Width, size.Width), rows = Positions(image.Height, size.Height);
        var source = MemoryMarshal.Cast<byte, uint>(image.Samples);
        var result = new byte[4 * window.Width * window.Height];
        var target = MemoryMarshal.Cast<byte, uint>(result.AsSpan());
        for (int y = 0; y < window.Height; y++)
            for (int x = 0; x < window.Width; x++)
                target[y * window.Width + x] = source[rows[window.Y + y] * image.Width + columns[window.X + x]];
        return result;
    }

    private static int[] Positions(int source, int target)
    {
        var positions = new int[target];
        double scale = (double)source / target, at = scale / 2;
        for (int i = 0; i < target; i++, at += scale) positions[i] = Math.Min((int)at, source - 1);
        return positions;
    }

    private static ushort[] Gray16(DecodedImage image, (int Width, int Height) size, (int X, int Y, int Width, int Height) window, Interpolation interpolation)
    {
        if (interpolation == Interpolation.Nearest) interpolation = Interpolation.Bilinear;
        var columns = Taps.Compute(image.Width, size.Width, window.X, window.Width, interpolation);
        var narrow = new ushort[window.Width * image.Height];
        for (int y = 0; y < image.Height; y++)
            for (int x = 0; x < window.Width; x++)
                narrow[y * window.Width + x] = size.Width == image.Width
                    ? image.Gray16[y * image.Width + window.X + x]
                    : Sum(columns, x, at => image.Gray16[y * image.Width + at]);

        var rows = Taps.Compute(image.Height, size.Height, window.Y, window.Height, interpolation);
        var result = new ushort[window.Width * window.Height];
        for (int y = 0; y < window.Height; y++)
            for (int x = 0; x < window.Width; x++)
                result[y * window.Width + x] = size.Height == image.Height
                    ? narrow[(window.Y + y) * window.Width + x]
                    : Sum(rows, y, at => narrow[at * window.Width + x]);
        return result;
    }

    private static ushort Sum(Taps taps, int output, Func<int, ushort> source)
    {
        double sum = 0;
        for (int k = 0; k < taps.Count[output]; k++) sum += taps.Weights[output * taps.Most + k] * source(taps.First[output] + k);
        return (ushort)Math.Clamp(Math.Round(sum, MidpointRounding.AwayFromZero), 0, 65535);
    }

    private static byte[] Premultiply(byte[] samples)
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

    private static void Unpremultiply(byte[] samples)
    {
        for (int i = 0; i < samples.Length; i += 4)
        {
            int alpha = samples[i + 3];
            if (alpha is 0 or 255) continue;
            for (int c = 0; c < 3; c++) samples[i + c] = (byte)Math.Min(255, 255 * samples[i + c] / alpha);
        }
    }
}
