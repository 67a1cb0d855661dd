using ClipNotebooks.Core.Images;
using SkiaSharp;

namespace ClipNotebooks.Clip.Tests.Images;

/// <summary>Sequential and progressive JPEG files are read by the library itself; libjpeg, within SkiaSharp, is what it has to
/// equal.</summary>
public sealed class JpegFileTests
{
    /// <summary>33 × 17, 4:2:0, a restart marker after every second unit (libjpeg-turbo 2.1's cjpeg, <c>-restart 2B</c>).</summary>
    private const string Restarts =
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/" +
        "2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAARCAARACEDASIAAhEBAxEB/8QA" +
        "GQABAAMBAQAAAAAAAAAAAAAAAAMEBQYC/8QAIxAAAQUAAAUFAAAAAAAAAAAAAAECAwRhERIUITRSgZGx0f/EABcBAQEBAQAAAAAAAAAAAAAAAAUDBAL/xAAh" +
        "EQACAQQABwAAAAAAAAAAAAAAAQMCBBESFBUyM1Fxsf/dAAQAAv/aAAwDAQACEQMRAD8A51lPCdlLDYjp4WY6WGFTbEorgxWUsLDKOG3HSwnSmjGK5U7NTiVS" +
        "2E47rCy2f//Qr9DgNHnm9DPhf0HPC1GrnUHlk0ZajACIwCI//9Hooz1a8R/t9oARg6kZa+zV6fwwgADAx//Z";

    /// <summary>The same in gray, after every third.</summary>
    private const string GrayRestarts =
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/" +
        "wAALCAARACEBAREA/8QAGAABAQEBAQAAAAAAAAAAAAAAAwQGAgX/xAAjEAABBQAABQUAAAAAAAAAAAAAAQIDBGEREhQhNFKBkbHR/90ABAAD/9oACAEBAAA/" +
        "AM6yng7KWDspYf/QjZRwTocFjp4f/9Fo6WFMdLB0poxiuVOzU4n/0qeeb0M+F/RoyqM//9PRRnVrxH+32h4R/9k=";

    /// <summary>9 × 9, progressive (Pillow 9.4).</summary>
    private const string Progressive =
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/" +
        "2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wgARCAAJAAkDASIAAhEBAxEB/8QA" +
        "FgABAQEAAAAAAAAAAAAAAAAAAwAE/8QAFAEBAAAAAAAAAAAAAAAAAAAAAv/aAAwDAQACEAMQAAABNdED/8QAGBAAAgMAAAAAAAAAAAAAAAAAAAIDEBP/2gAI" +
        "AQEAAQUCWMzFr//EABcRAQADAAAAAAAAAAAAAAAAAAEAAgP/2gAIAQMBAT8BNmpP/8QAFhEAAwAAAAAAAAAAAAAAAAAAAAIh/9oACAECAQE/AVp//8QAFBAB" +
        "AAAAAAAAAAAAAAAAAAAAIP/aAAgBAQAGPwIf/8QAFxAAAwEAAAAAAAAAAAAAAAAAABARYf/aAAgBAQABPyHEh//aAAwDAQACAAMAAAAQ5//EABYRAAMAAAAA" +
        "AAAAAAAAAAAAAAABEf/aAAgBAwEBPxBFh//EABYRAQEBAAAAAAAAAAAAAAAAAAERAP/aAAgBAgEBPxAzXf/EABYQAQEBAAAAAAAAAAAAAAAAABARQf/aAAgB" +
        "AQABPxC0Dk//2Q==";

    /// <summary>Sizes around a block's, a unit's and a vector's edges.</summary>
    public static TheoryData<SKJpegEncoderDownsample, int> Forms
    {
        get
        {
            var forms = new TheoryData<SKJpegEncoderDownsample, int>();
            foreach (var downsample in Enum.GetValues<SKJpegEncoderDownsample>(
                )) foreach (int quality in new[] { 3, 50, 92, 100 }) forms.Add(downsample, quality);
            return forms;
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Pixels_equal_libjpegs(SKJpegEncoderDownsample downsample, int quality)
    {
        var dice = new Random(quality);
        foreach (int width in new[] { 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 131 })
            foreach (int height in new[] { 1, 2, 7, 8, 9, 16, 17, 35 })
            {
                byte[] file = Encode(width, height, dice, new SKJpegEncoderOptions(quality, downsample, SKJpegEncoderAlphaOption.Ignore));
                using var ours = Decode(file);
                Assert.NotNull(ours);
                Assert.Equal(BySkia(file), ours.ToRgbBytes());
            }
    }

    [Theory]
    [InlineData(Restarts)]
    [InlineData(GrayRestarts)]
    [InlineData(Progressive)]
    public void Restart_markers_and_progressive_scans_equal_libjpegs(string base64)
    {
        byte[] file = Convert.FromBase64String(base64);
        using var ours = Decode(file);
        Assert.NotNull(ours);
        Assert.Equal(BySkia(file), ours.ToRgbBytes());
    }

    [Fact]
    public void Colours_of_three_columns_in_two_samples_are_left_to_SkiaSharp()
    {
        Assert.Null(Decode(Encode(4, 9, new Random(1),
            new SKJpegEncoderOptions(90, SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore))));
    }

    /// <summary>Half an image is not an image; one that misses its end mark alone is whole.</summary>
    [Theory]
    [InlineData(Restarts)]
    [InlineData(Progressive)]
    public void A_file_that_is_cut_short_is_refused(string base64)
    {
        byte[] file = Convert.FromBase64String(base64);
        for (int length = 0; length < file.Length - 14; length++)
        {
            byte[] part = file[..length];
            var refusal = Assert.Throws<InvalidDataException>(() => SkiaImageDecoder.Shared.Decode(part, "part.jpg"));
            Assert.StartsWith("part.jpg", refusal.Message, StringComparison.Ordinal);
        }
        using var whole = Decode(file);
        using var withoutEnd = Decode(file.AsSpan(0, file.Length - 2));
        Assert.Equal(whole!.ToRgbBytes(), withoutEnd!.ToRgbBytes());
    }

    /// <summary>A camera's file holds a whole JPEG, its thumbnail, before the image.</summary>
    [Fact]
    public void The_end_mark_of_a_thumbnail_is_not_the_images()
    {
        byte[] file = Encode(4, 9, new Random(1),
            new SKJpegEncoderOptions(90, SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore));
        byte[] exif = [0xff, 0xe1, 0, 12, .. "Exif\0\0"u8, 0xff, 0xd8, 0xff, 0xd9];
        byte[] withThumbnail = [.. file[..2], .. exif, .. file[2..]];
        Assert.Null(Decode(withThumbnail)); // SkiaSharp's, and whole
        Assert.Contains("its end mark is missing", Assert.Throws<InvalidDataException>(() => Decode(withThumbnail.AsSpan()[..^2])).Message,
            StringComparison.Ordinal);
    }

    /// <summary>Memory is reached by pointers: what a file says must not lead them out of it.</summary>
    [Fact]
    public void A_damaged_file_is_read_or_left_alone()
    {
        var dice = new Random(5);
        byte[][] files =
            [Convert.FromBase64String(Restarts), Convert.FromBase64String(GrayRestarts), Convert.FromBase64String(Progressive),
            Encode(65, 40, dice, new SKJpegEncoderOptions(70, SKJpegEncoderDownsample.Downsample422, SKJpegEncoderAlphaOption.Ignore))];
        int read = 0;
        for (int round = 0; round < 6000; round++)
        {
            byte[] file = [.. files[round % files.Length]];
            for (int change = dice.Next(1, 6); change > 0; change--) file[dice.Next(2, file.Length)] = (byte)dice.Next(256);
            try
            {
                using var image = JpegFile.TryDecode(
                    dice.Next(4) == 0 ? file.AsSpan(0, dice.Next(file.Length)) : file, "damaged.jpg", NotLarge);
                if (image is not null) read++;
            }
            catch (InvalidDataException exception)
            {
                Assert.StartsWith("damaged.jpg", exception.Message, StringComparison.Ordinal);
            }
        }
        Assert.InRange(read, 100, 5900);

        static void NotLarge(long width, long height) => ArgumentOutOfRangeException.ThrowIfGreaterThan(width * height, 1 << 20);
    }

    [Fact]
    public unsafe void A_block_of_one_coefficient_equals_the_whole_transform()
    {
        byte* whole = stackalloc byte[64], flat = stackalloc byte[64];
        int* block = stackalloc int[64];
        for (int first = -1500; first < 1500; first++)
        {
            new Span<int>(block, 64).Clear();
            block[0] = first;
            InverseDct.Transform(block, whole, 8);
            InverseDct.Flat(first, flat, 8);
            Assert.Equal(new ReadOnlySpan<byte>(whole, 64), new ReadOnlySpan<byte>(flat, 64));
        }
    }

    private static RasterImage? Decode(ReadOnlySpan<byte> file) => JpegFile.TryDecode(file, "test.jpg", (_, _) => { });

    private static byte[] BySkia(byte[] file)
    {
        using var codec = SKCodec.Create(new MemoryStream(file))!;
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        byte[] samples = new byte[info.BytesSize];
        unsafe
        {
            fixed (byte* target = samples) Assert.Equal(SKCodecResult.Success, codec.GetPixels(info, (IntPtr)target));
        }
        return [.. samples.Where((_, i) => i % 4 != 3)];
    }

    /// <summary>Waves with noise over them: flat blocks, edges, and values at both ends.</summary>
    private static byte[] Encode(int width, int height, Random dice, SKJpegEncoderOptions options)
    {
        using var bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        var (a, b, noise) = (dice.NextDouble(), dice.NextDouble(), dice.Next(4) * 20);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                byte Channel(int c) => (byte)Math.Clamp(128 + 160 * Math.Sin(a * x + b * y + c) + dice.Next(-noise, noise + 1), 0, 255);
                bitmap.SetPixel(x, y, new SKColor(Channel(0), Channel(2), Channel(4)));
            }
        using var pixmap = bitmap.PeekPixels()!;
        using var data = pixmap.Encode(options)!;
        return data.ToArray();
    }
}
