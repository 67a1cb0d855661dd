using System.Globalization;
using System.Runtime.ExceptionServices;

namespace ClipNotebooks.Clip.Tests;

/// <summary>
/// Gives damaged files to a reader, each made from its number alone. A file that is neither read nor refused with a documented exception
/// fails the test by that number: one that hangs the reader, that makes it allocate what the file merely claims, or that ends in another
/// exception. <c>CLIP_LONG_TESTS=1</c> gives each kind its share of 100,000.
/// </summary>
internal static class Fuzz
{
    /// <summary>More than reading any of these files of some kilobytes takes, and far less than the numbers in them can claim.</summary>
    private const long MostAllocated = 50_000_000;

    /// <summary>The same for memory that the collector does not see, a tensor's: what threads and their heaps map stays below.</summary>
    private const long MostMapped = 1_000_000_000;

    private static readonly bool Long = Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1";

    /// <param name="few">How many files in the short form.</param>
    /// <param name="many">How many in the long form.</param>
    /// <param name="path">Where the damaged file is written.</param>
    /// <param name="make">Its bytes.</param>
    /// <param name="read">Reads it; what it returns is checked by itself.</param>
    /// <param name="isDocumented">Which exceptions refuse a file.</param>
    /// <param name="limit">How long one file may take; 30 seconds by default, where milliseconds are usual.</param>
    internal static void Run(int few, int many, string path, Func<Random, byte[]> make, Action read, Func<Exception, bool> isDocumented,
        TimeSpan? limit = null)
    {
        int file = 0, count = Long ? many : few;
        Exception? failure = null;
        long mapped = Mapped();
        var reader = new Thread(() =>
        {
            try
            {
                for (int i = 0; i < count; i++)
                {
                    Volatile.Write(ref file, i);
                    File.WriteAllBytes(path, make(new Random(i)));
                    One(i, read, isDocumented);
                }
            }
            catch (Exception exception)
            {
                failure = exception;
            }
        })
        { IsBackground = true };
        reader.Start();
        for (int seen = -1, now; !reader.Join(limit ?? TimeSpan.FromSeconds(30)); seen = now)
        {
            now = Volatile.Read(ref file);
            Assert.False(now == seen, $"File {now} keeps its reader busy without end.");
        }
        if (failure is not null) ExceptionDispatchInfo.Throw(failure);
        Assert.True(Mapped() - mapped < MostMapped, $"One of the files made the reader map {Mapped() - mapped} bytes of memory.");
    }

    private static void One(int number, Action read, Func<Exception, bool> isDocumented)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            read();
        }
        catch (Exception exception) when (isDocumented(exception))
        {
            Assert.False(string.IsNullOrWhiteSpace(exception.Message));
        }
        catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
        {
            Assert.Fail($"File {number} ended in {exception.GetType().Name}: {exception}");
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < MostAllocated, $"File {number} made the reader allocate {allocated} bytes.");
    }

    /// <summary>The most address space that the process ever had, where Linux tells it.</summary>
    private static long Mapped() => !OperatingSystem.IsLinux() ? 0 : 1024 * long.Parse(
        File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmPeak:", StringComparison.Ordinal))
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
