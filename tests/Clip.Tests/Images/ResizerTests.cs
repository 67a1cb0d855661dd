using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Clip.Tests.Images;

public sealed class ResizerTests
{
    /// <summary>
    /// Sizes with odd and even numbers of taps, with a single pixel, enlarged and reduced, and windows that begin in the middle.
    /// </summary>
    [Theory]
    [InlineData(1, 1, 5, 5, 0, 0, 5, 5)]
    [InlineData(1, 7, 3, 3, 0, 0, 3, 3)]
    [InlineData(2, 3, 7, 9, 1, 2, 5, 6)]
    [InlineData(3, 5, 2, 2, 0, 0, 2, 2)]
    [InlineData(13, 11, 6, 5, 1, 0, 5, 4)]
    [InlineData(64, 48, 29, 22, 3, 0, 23, 22)]
    [InlineData(101, 67, 33, 22, 5, 1, 21, 20)]
    [InlineData(40, 200, 40, 17, 0, 0, 40, 17)]
    [InlineData(200, 40, 17, 40, 0, 0, 17, 40)]
    public void Two_pixels_at_a_time_give_what_the_definition_gives_sample_by_sample(
        int width, int height, int newWidth, int newHeight, int x, int y, int cutWidth, int cutHeight)
    {
        var random = new Random(width * 1000 + height);
        foreach (var interpolation in new[] { Interpolation.Bicubic, Interpolation.Bilinear })
        {
            var samples = new byte[4 * width * height];
            // Extremes, so that a cubic's overshoot is clipped.
            foreach (ref byte sample in samples.AsSpan()) sample = random.Next(3) switch { 0 => 0, 1 => 255, _ => (byte)random.Next(256) };
            var image = RasterImage.FromSamples(width, height, SampleLayout.Rgb, samples);
            var result = Resizer.Resize(image, (newWidth, newHeight), (x, y, cutWidth, cutHeight), interpolation).Samples.ToArray();

            var columns = Taps.Compute(width, newWidth, x, cutWidth, interpolation);
            var rows = Taps.Compute(height, newHeight, y, cutHeight, interpolation);
            for (int c = 0; c < 4; c++)
                for (int i = 0; i < cutHeight; i++)
                    for (int j = 0; j < cutWidth; j++)
                    {
                        byte Row(int source) => newWidth == width ? samples[4 * (source * width + x + j) + c]
                            : Sum(columns, j, k => samples[4 * (source * width + k) + c]);
                        byte expected = newHeight == height ? Row(y + i) : Sum(rows, i, Row);
                        Assert.Equal(expected, result[4 * (i * cutWidth + j) + c]);
                    }
        }
    }

    /// <summary>The place of the window's pixels is counted from the image's edge, by addition, as in Pillow.</summary>
    [Fact]
    public void The_nearest_pixels_of_a_window_are_those_of_the_whole()
    {
        var dice = new Random(2);
        byte[] samples = new byte[4 * 37 * 23];
        dice.NextBytes(samples);
        var image = RasterImage.FromSamples(37, 23, SampleLayout.Rgb, samples);
        using var whole = Resizer.Resize(image, (1009, 517), (0, 0, 1009, 517), Interpolation.Nearest);
        using var part = Resizer.Resize(image, (1009, 517), (500, 300, 224, 200), Interpolation.Nearest);
        for (int y = 0; y < 200; y++)
            Assert.Equal(whole.Samples.Slice(4 * ((300 + y) * 1009 + 500), 4 * 224), part.Samples.Slice(4 * 224 * y, 4 * 224));
    }

    /// <summary>What one picture with an edge of tens of thousands of pixels needs would otherwise stay in memory to the end.</summary>
    [Fact]
    public void Weights_of_ordinary_sizes_are_kept_for_the_next_image_and_large_ones_are_not()
    {
        Taps At(int source) => Taps.Compute(source, 224, 0, 224, Interpolation.Bicubic);
        Assert.Same(At(4032), At(4032));
        Assert.NotSame(At(300_000), At(300_000));
    }

    [Fact]
    public void An_image_whose_memory_was_given_back_is_not_read()
    {
        var image = RasterImage.FromRgb(2, 1, [1, 2, 3, 4, 5, 6]);
        Assert.Equal([1, 2, 3, 255, 4, 5, 6, 255], image.Samples.ToArray());
        image.Dispose();
        image.Dispose();
        Assert.Throws<ObjectDisposedException>(() => image.Samples.Length);
    }

    private static byte Sum(Taps taps, int output, Func<int, byte> source)
    {
        long sum = 1 << 21;
        for (int k = 0; k < taps.Count[output]; k++)
        {
            double weight = taps.Weights[output * taps.Most + k];
            sum += source(taps.First[output] + k) * (long)(weight * (1 << 22) + (weight < 0 ? -0.5 : 0.5));
        }
        return (byte)Math.Clamp(sum >> 22, 0, 255);
    }
}
