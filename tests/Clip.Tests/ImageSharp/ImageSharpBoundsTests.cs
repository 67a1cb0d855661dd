using System.Diagnostics;
using System.Globalization;
using ClipNotebooks.Core.Images;
using ClipNotebooks.ImageSharp;

namespace ClipNotebooks.Clip.Tests.ImageSharp;

/// <summary>What is read from hostile files is held to time and to the process's memory: no other test runs beside these.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class BoundsCollection
{
    internal const string Name = "time and memory of the process";
}

[Collection(BoundsCollection.Name)]
public sealed class ImageSharpBoundsTests
{
    private static readonly ImageSharpDecoder Decoder = new();

    [Theory]
    [InlineData("20-progressive-work/small-file-large-work.jpg")]
    [InlineData("20-progressive-work/thousand-scans.jpg")]
    [InlineData("06-truncated-progressive-jpeg/cut-at-25-percent.jpg")]
    [InlineData("06-truncated-progressive-jpeg/baseline-cut.jpg")]
    public void A_jpeg_that_is_cut_short_or_asks_for_boundless_work_is_refused_by_name_at_once(string name)
    {
        byte[] file = Case(name);
        var refusal = Bounded(() => Assert.Throws<InvalidDataException>(() => Decoder.Decode(file, name)));
        Assert.StartsWith(name, refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Files of few bytes that unfold, whatever size their header speaks of, beside the sound one that they are made of.</summary>
    [Theory]
    [InlineData("text", true)]
    [InlineData("profile", true)]
    [InlineData("rows", true)]
    [InlineData("frame", true)]
    [InlineData("scan", false)]
    public void A_bomb_behind_a_small_header_is_read_or_refused_in_little_memory_and_time(string kind, bool isRead)
    {
        byte[] file = Bombs.Of(kind);
        Assert.InRange(file.Length, 1, 1 << 20);
        ImageSharpDecoder small = new() { MaxPixels = 1 << 20 };
        using RasterImage? image = Bounded(() =>
        {
            try
            {
                return small.Decode(file, kind);
            }
            catch (InvalidDataException refusal)
            {
                Assert.StartsWith(kind, refusal.Message, StringComparison.Ordinal);
                return null;
            }
        });
        Assert.Equal(isRead, image is not null);
    }

    /// <summary>Runs within five seconds, which leave room for a busy machine, and 128 MB more than before.</summary>
    private static T Bounded<T>(Func<T> work)
    {
        bool linux = OperatingSystem.IsLinux();
        if (linux) File.WriteAllText("/proc/self/clear_refs", "5");
        long before = linux ? Peak() : 0;
        var clock = Stopwatch.StartNew();
        T result = work();
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 5);
        // The kernel counts pages by processor, so that what was the peak may come out a page lower a moment later.
        if (linux) Assert.InRange(Peak() - before, long.MinValue, 128 << 10);
        return result;

        // The most memory that the process has held, in KiB.
        static long Peak()
        {
            string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return long.Parse(line["VmHWM:".Length..^"kB".Length], CultureInfo.InvariantCulture);
        }
    }

    private static byte[] Case(string name) => File.ReadAllBytes(Repository.Reference(["cases", .. name.Split('/')]));
}
