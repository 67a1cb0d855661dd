using System.Diagnostics;
using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Clip.Tests.Images;

/// <summary>
/// Files as people have them, each beside a plain twin that holds the same picture; they stand for their kinds (Reference/cases, after
/// public bug
/// reports).
/// </summary>
public sealed class DecodingTests
{
    private static readonly ClipImageTransform OpenAi = new(new ImageTransformConfig { Size = 64, ResizeSize = 64 });

    [Theory]
    [InlineData("01-gray-palette-gif/gray.gif", "01-gray-palette-gif/gray.png")]
    [InlineData("01-gray-palette-gif/bw.gif", "01-gray-palette-gif/bw.png")]
    [InlineData("03-transparent-gif/transparent.gif", "03-transparent-gif/opaque.gif")]
    [InlineData("05-interlaced-gray16-png/interlaced.png", "05-interlaced-gray16-png/plain.png")]
    [InlineData("06-truncated-progressive-jpeg/whole.jpg", "06-truncated-progressive-jpeg/baseline.jpg")]
    public void A_file_has_the_samples_and_the_crop_of_its_plain_twin(string file, string twin)
    {
        using RasterImage image = RasterImage.Load(Case(file)), plain = RasterImage.Load(Case(twin));
        Assert.Equal(plain.Layout, image.Layout);
        Assert.Equal(plain.ToRgbBytes(), image.ToRgbBytes());
        Assert.Equal(OpenAi.Crop(plain).ToRgbBytes(), OpenAi.Crop(image).ToRgbBytes());
    }

    [Fact]
    public void Outside_of_a_gifs_frame_lies_the_palettes_first_colour()
    {
        using var image = RasterImage.Load(Case("03-transparent-gif/frame-smaller-than-canvas.gif"));
        Assert.Equal(SampleLayout.Indexed, image.Layout);
        byte[] file = File.ReadAllBytes(Case("03-transparent-gif/frame-smaller-than-canvas.gif"));
        Assert.Equal(file.AsSpan(13, 3), image.ToRgbBytes().AsSpan(0, 3));
    }

    [Fact]
    public void A_gif_that_ends_in_a_later_frame_is_cut_short_and_one_without_its_end_mark_is_whole()
    {
        byte[] head = [.. "GIF89a"u8, 2, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255];
        byte[] frame = [(byte)',', 0, 0, 0, 0, 2, 0, 1, 0, 0, 2, 2, 0x44, 0x0a, 0];
        byte[] pause = [(byte)'!', 0xf9, 4, 0, 1, 0, 0, 0];
        byte[] whole = [.. head, .. frame, .. pause, .. frame, (byte)';'];
        int first = head.Length + frame.Length;
        foreach (int length in new[] { whole.Length, whole.Length - 1, first, first - 1, first + pause.Length })
        {
            using var image = SkiaImageDecoder.Shared.Decode(whole.AsMemory(0, length), "two.gif");
            Assert.Equal((2, 1), (image.Width, image.Height));
        }
        for (int length = first + pause.Length + 1; length < whole.Length - 1; length++)
            Assert.Contains("two.gif is damaged: it is cut short", Refused(length), StringComparison.Ordinal);
        Assert.Contains("two.gif is damaged: it is cut short", Refused(first + 3), StringComparison.Ordinal);

        string Refused(int length) => Assert.Throws<InvalidDataException>(
            () => SkiaImageDecoder.Shared.Decode(whole.AsMemory(0, length), "two.gif")).Message;
    }

    [Fact]
    public void A_header_whose_number_of_pixels_overflows_is_refused()
    {
        byte[] file = File.ReadAllBytes(Case("01-gray-palette-gif/gray.png"));
        foreach (int at in new[] { 16, 20 }) file.AsSpan(at, 4).Fill(0xff);
        Assert.Contains("wide.png has 4294967295 x 4294967295 pixels, more than", Assert.Throws<InvalidDataException>(
            () => SkiaImageDecoder.Shared.Decode(file, "wide.png")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_that_leads_back_to_itself_is_refused_by_name()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Links need rights there.");
        string folder = Directory.CreateTempSubdirectory("loop").FullName, link = Path.Combine(folder, "a.png");
        try
        {
            File.CreateSymbolicLink(link, "b.png");
            File.CreateSymbolicLink(Path.Combine(folder, "b.png"), "a.png");
            Assert.Equal($"{link} is a link that leads back to itself, not an image file.",
                Assert.Throws<InvalidDataException>(() => RasterImage.Load(link)).Message);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("06-truncated-progressive-jpeg/cut-at-25-percent.jpg")]
    [InlineData("06-truncated-progressive-jpeg/baseline-cut.jpg")]
    [InlineData("20-progressive-work/small-file-large-work.jpg")]
    [InlineData("20-progressive-work/thousand-scans.jpg")]
    public void A_file_that_is_cut_short_or_asks_for_boundless_work_is_refused_by_name_at_once(string file)
    {
        var clock = Stopwatch.StartNew();
        var refusal = Assert.Throws<InvalidDataException>(() => RasterImage.Load(Case(file)));
        Assert.Contains(Path.GetFileName(file), refusal.Message, StringComparison.Ordinal);
        // They took 15 s and more; seconds are left for a busy machine.
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 5);
    }

    /// <summary>Pillow 13 inverts four inks with Adobe's marker and without: what is expected are its samples, 255 for none.</summary>
    [Fact]
    public void Ink_is_turned_round_without_Adobes_marker_too()
    {
        byte[] marked = File.ReadAllBytes(Repository.Reference("preprocess", "images", "11_cmyk_400x300_q92.jpg"));
        int at = marked.AsSpan().IndexOf("Adobe"u8);
        byte[] plain = [.. marked[..(at - 4)], .. marked[(at + 12)..]];
        using RasterImage with = SkiaImageDecoder.Shared.Decode(marked, "with.jpg"),
            without = SkiaImageDecoder.Shared.Decode(plain, "without.jpg");
        Assert.Equal(SampleLayout.Cmyk, without.Layout);
        Assert.True(with.Samples.SequenceEqual(without.Samples));
        using var other = RasterImage.Load(Case("19-cmyk-without-marker/differs.jpg"));
        Assert.Equal((33, 31, SampleLayout.Cmyk), (other.Width, other.Height, other.Layout));
    }

    public static TheoryData<string> Files =>
    [
        "gif.gif", "graypalette.gif", "gray.bmp", "rgb.bmp", "rgba.png", "la.png", "palette.png", "bilevel.png", "gray16.png",
            "lossless.webp",
        "progressive.jpg", "jpeg420.jpg", "cmyk.jpg",
    ];

    /// <summary>A last row, its end or the file's end mark may miss without a pixel missing, so a file is cut by a tenth and
    /// more.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_cut_short_is_refused_through_every_decoder(string name)
    {
        byte[] file = File.ReadAllBytes(Repository.Reference("hf_preprocess", "images", name));
        for (int tenth = 0; tenth < 10; tenth++)
        {
            var refusal = Assert.Throws<InvalidDataException>(
                () => SkiaImageDecoder.Shared.Decode(file.AsMemory(0, file.Length * tenth / 10), name));
            Assert.StartsWith(name, refusal.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_damaged_file_is_read_or_refused_by_name(string name)
    {
        byte[] sound = File.ReadAllBytes(Repository.Reference("hf_preprocess", "images", name));
        var decoder = new SkiaImageDecoder { MaxPixels = 1 << 20 };
        for (int seed = 0; seed < 200; seed++)
        {
            var dice = new Random(seed);
            byte[] damaged = [.. sound];
            for (int change = dice.Next(1, 6); change > 0; change--) damaged[dice.Next(dice.Next(2) == 0 ? 60 : damaged.Length)] = (
                byte)dice.Next(256);
            try
            {
                decoder.Decode(damaged, name).Dispose();
            }
            catch (InvalidDataException refusal)
            {
                Assert.StartsWith(name, refusal.Message, StringComparison.Ordinal);
            }
        }
    }

    /// <summary>A progressive file of 4096 × 4096 and 882 scans, one for each bit of each coefficient, in fewer bytes than a
    /// photograph.</summary>
    [Fact]
    public void Work_is_bounded_by_scans_times_pixels()
    {
        const int side = 4096, blocks = side / 8 * side / 8;
        using var file = new MemoryStream();
        void Segment(byte marker, params byte[] body) =>
            file.Write([0xff, marker, (byte)(body.Length + 2 >> 8), (byte)(body.Length + 2), .. body]);
        file.Write([0xff, 0xd8]);
        Segment(0xdb, [0, .. Enumerable.Repeat((byte)1, 64)]);
        Segment(0xc2, 8, side >> 8, 0, side >> 8, 0, 1, 1, 0x11, 0);
        byte[] oneCode = [1, .. new byte[15]];
        Segment(0xc4, [0x00, .. oneCode, 0x00]);
        Segment(0xc4, [0x10, .. oneCode, 0xe0]);
        Segment(0xda, 1, 1, 0, 0, 0, 0);
        file.Write(new byte[blocks / 8]);
        for (byte k = 1; k < 64; k++)
            for (int low = 13; low >= 0; low--)
            {
                Segment(0xda, 1, 1, 0, k, k, (byte)((low == 13 ? 0 : low + 1) << 4 | low));
                // Runs of 2¹⁴ blocks without a coefficient: a bit of code, 14 of length.
                file.Write(new byte[(15 * (blocks >> 14) + 7) / 8]);
            }
        file.Write([0xff, 0xd9]);
        var refusal = Assert.Throws<InvalidDataException>(() => SkiaImageDecoder.Shared.Decode(file.ToArray(), "scans.jpg"));
        Assert.Contains("scans.jpg asks for too much work", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decoding_stops_when_it_is_told_to()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        foreach (string name in Files.Select(row => row.Data).Where(name => name != "lossless.webp"))
        {
            byte[] file = File.ReadAllBytes(Repository.Reference("hf_preprocess", "images", name));
            Assert.Throws<OperationCanceledException>(() => SkiaImageDecoder.Shared.Decode(file, name, stop.Token));
        }
    }

    private static string Case(string file) => Repository.Reference(["cases", .. file.Split('/')]);
}
