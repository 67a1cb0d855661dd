using System.Numerics;
using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Workbook.Emoji;

/// <summary>
/// A drawing that can be put at any place, size and angle. It keeps premultiplied colours (colour times opacity) at full size and at sizes
/// halved again and again, so that a small copy averages pixels instead of picking some.
/// </summary>
internal sealed class EmojiPicture
{
    private const int Smallest = 12;

    private readonly List<(byte[] Samples, int Side)> _levels = [];

    /// <param name="image">Square, with transparency.</param>
    internal EmojiPicture(RasterImage image)
    {
        byte[] level = image.Samples.ToArray();
        for (int i = 0; i < level.Length; i += 4)
            for (int c = 0; c < 3; c++) level[i + c] = (byte)(((level[i + c] * level[i + 3]) + 127) / 255);
        for (int side = image.Width; ; side /= 2)
        {
            _levels.Add((level, side));
            if (side / 2 < Smallest || side % 2 != 0) return;
            level = Halved(level, side);
        }
    }

    /// <summary>Lays the drawing onto a layer, over what is there.</summary>
    /// <param name="layer">R · R premultiplied colours, 0 to 255.</param>
    /// <param name="side">R.</param>
    /// <param name="place">Its middle and its side, in pixels; its angle, in degrees clockwise; whether it is mirrored.</param>
    internal void Draw(Span<Vector4> layer, int side, (float X, float Y, float Size, float Degrees, bool Flip) place)
    {
        var (samples, from) = _levels.LastOrDefault(level => level.Side >= 0.75f * place.Size, _levels[0]);
        float step = from / place.Size;
        var (sin, cos) = MathF.SinCos(place.Degrees * MathF.PI / 180);
        float reach = place.Size / 2 * (MathF.Abs(sin) + MathF.Abs(cos)) + 1;
        int top = Math.Max(0, (int)(place.Y - reach)), bottom = Math.Min(side, (int)(place.Y + reach) + 1);
        int left = Math.Max(0, (int)(place.X - reach)), right = Math.Min(side, (int)(place.X + reach) + 1);
        for (int y = top; y < bottom; y++)
        {
            float dy = y + 0.5f - place.Y;
            for (int x = left; x < right; x++)
            {
                float dx = x + 0.5f - place.X, u = (cos * dx + sin * dy) * step, v = (cos * dy - sin * dx) * step;
                var color = Sample(samples, from, (place.Flip ? -u : u) + from / 2f - 0.5f, v + from / 2f - 0.5f);
                ref var under = ref layer[y * side + x];
                under = color + under * (1 - color.W / 255);
            }
        }
    }

    /// <summary>Interpolates between four pixels; transparent beyond the edge.</summary>
    private static Vector4 Sample(byte[] samples, int side, float u, float v)
    {
        if (u <= -1 || v <= -1 || u >= side || v >= side) return default;
        int x = (int)MathF.Floor(u), y = (int)MathF.Floor(v);
        float right = u - x, down = v - y;
        return (Pixel(x, y) * (1 - right) + Pixel(x + 1, y) * right) * (1 - down)
            + (Pixel(x, y + 1) * (1 - right) + Pixel(x + 1, y + 1) * right) * down;

        Vector4 Pixel(int px, int py)
        {
            if ((uint)px >= (uint)side || (uint)py >= (uint)side) return default;
            int at = 4 * (py * side + px);
            return new Vector4(samples[at], samples[at + 1], samples[at + 2], samples[at + 3]);
        }
    }

    private static byte[] Halved(byte[] samples, int side)
    {
        int half = side / 2;
        byte[] result = new byte[4 * half * half];
        for (int y = 0; y < half; y++)
            for (int x = 0; x < half; x++)
                for (int c = 0; c < 4; c++)
                {
                    int at = 4 * (2 * y * side + 2 * x) + c, below = at + 4 * side;
                    result[4 * (y * half + x) + c] = (byte)((samples[at] + samples[at + 4] + samples[below] + samples[below + 4] + 2) / 4);
                }
        return result;
    }
}
