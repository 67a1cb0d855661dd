using System.Globalization;
using SkiaSharp;

namespace ClipNotebooks.Workbook.Plotting;

/// <summary>Colours for values from <see cref="Low"/> to <see cref="High"/>: evenly spaced stops, blended in between.</summary>
internal sealed class ColorScale
{
    /// <summary>
    /// Viridis (Smith and van der Walt, for matplotlib): even in lightness, legible without colour vision, dark violet to yellow.
    /// </summary>
    private static readonly int[] Viridis = [0x440154, 0x482878, 0x3e4a89, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6dcd59, 0xb4de2c,
        0xfde725];

    /// <summary>ColorBrewer's RdBu from blue over near white to red.</summary>
    private static readonly int[] BlueRed = [0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xf7f7f7, 0xfddbc7, 0xf4a582, 0xd6604d, 0xb2182b];

    private readonly int[] _stops;

    private ColorScale(int[] stops, double low, double high)
    {
        _stops = stops;
        (Low, High) = high > low ? (low, high) : (low - 0.5, low + 0.5);
    }

    /// <summary>The value of the first colour.</summary>
    public double Low { get; }

    /// <summary>The value of the last colour.</summary>
    public double High { get; }

    /// <summary>The stops as CSS writes them.</summary>
    public string[] Colors => [.. _stops.Select(stop => "#" + stop.ToString("x6", CultureInfo.InvariantCulture))];

    /// <summary>From the smallest to the largest finite value.</summary>
    public static ColorScale Sequential(IEnumerable<double> values)
    {
        double[] finite = [.. values.Where(double.IsFinite).DefaultIfEmpty()];
        return new(Viridis, finite.Min(), finite.Max());
    }

    /// <summary>
    /// If values of both signs occur, a scale with 0 in the middle, negative values blue and positive ones red; else
    /// <see cref="Sequential"/>.
    /// </summary>
    public static ColorScale Of(IEnumerable<double> values)
    {
        var sequential = Sequential(values);
        double largest = Math.Max(-sequential.Low, sequential.High);
        return sequential.Low < 0 && sequential.High > 0 ? new(BlueRed, -largest, largest) : sequential;
    }

    /// <summary>The colour of a value; gray for what is not finite.</summary>
    public SKColor this[double value]
    {
        get
        {
            if (!double.IsFinite(value)) return new(0x88, 0x88, 0x88);
            double at = Math.Clamp((value - Low) / (High - Low), 0, 1) * (_stops.Length - 1);
            int i = Math.Min((int)at, _stops.Length - 2);
            byte Mix(int shift) => (byte)Math.Round((((_stops[i] >> shift) & 255) * (1 - (at - i))) +
                (((_stops[i + 1] >> shift) & 255) * (at - i)));
            return new(Mix(16), Mix(8), Mix(0));
        }
    }

    /// <summary>The colour of text (ink) on a background: black or white, whichever is legible; white if both are.</summary>
    public static SKColor Ink(SKColor ground) => Luminance(ground) > 0.22 ? new(0x11, 0x11, 0x11) : SKColors.White;

    /// <summary>The colour of the text in a value's cell, as CSS writes it.</summary>
    public string Ink(double value) => Ink(this[value]) == SKColors.White ? "#fff" : "#111";

    /// <summary>The background and text colour of a table's cell, as CSS writes them.</summary>
    public string Style(double value)
    {
        var ground = this[value];
        return string.Create(CultureInfo.InvariantCulture, $"background:rgb({ground.Red},{ground.Green},{ground.Blue});color:{Ink(value)}");
    }

    internal static double Luminance(SKColor color)
    {
        static double Linear(byte sample) => sample <= 10 ? sample / 255.0 / 12.92 : Math.Pow(((sample / 255.0) + 0.055) / 1.055, 2.4);
        return (0.2126 * Linear(color.Red)) + (0.7152 * Linear(color.Green)) + (0.0722 * Linear(color.Blue));
    }
}
