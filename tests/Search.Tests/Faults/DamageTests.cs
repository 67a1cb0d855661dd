using System.Buffers.Binary;
using ClipNotebooks.Search.Storage;
using SkiaSharp;

namespace ClipNotebooks.Search.Tests.Faults;

/// <summary>
/// Damaged pictures and damaged indexes: read, or refused with a reason, in bounded memory. <c>CLIP_LONG_TESTS=1</c> takes 10,000 of each
/// instead of 200. Each comes from its number alone, which a failure names.
/// </summary>
public sealed class DamageTests : IDisposable
{
    private static readonly int Damaged = Sandbox.Long ? 10_000 : 200;

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public async Task Damaged_pictures_of_every_format_are_each_added_or_reported()
    {
        const int perRun = 200;
        var whole = Pictures();
        using var clip = Sandbox.RandomClip();
        long grown = 0;
        int refused = 0;
        for (int run = 0; run < Damaged / perRun; run++)
        {
            var paths = new List<string>();
            for (int i = 0; i < perRun; i++)
            {
                int number = run * perRun + i;
                var (ending, bytes) = whole[number % whole.Count];
                paths.Add(Path.Combine(_sandbox.Pictures, $"{number}{ending}"));
                await File.WriteAllBytesAsync(paths[^1], Mutate(new Random(number), bytes));
            }
            string folder = $"{_sandbox.Index}-{run}";
            using (var index = ImageSearchIndex.Create(folder, clip, new IndexOptions { MaxPixels = 1_000_000 }))
            {
                long before = Environment.WorkingSet;
                var report = await index.AddFilesAsync(paths);
                grown = Math.Max(grown, Environment.WorkingSet - before);
                Assert.Equal(paths.Order(StringComparer.Ordinal),
                    report.Added.Concat(report.Unreadable.Select(file => file.Path)).Order(StringComparer.Ordinal));
                Assert.Equal(report.Added.Count, index.Count);
                // Damage is a sentence about the file, never the name of an exception from inside a decoder.
                Assert.All(report.Unreadable, file => Assert.True(
                    file.Reason.StartsWith(file.Path, StringComparison.Ordinal)
                    && !file.Reason.Contains("cannot be decoded", StringComparison.Ordinal), file.Reason));
                refused += report.Unreadable.Count;
                index.Verify();
            }
            Directory.Delete(folder, recursive: true);
            foreach (string path in paths) File.Delete(path);
        }
        Assert.InRange(refused, Damaged / 10, Damaged);
        // A million pixels decoded and resized take some 12 MB on each core; the files claim up to gigabytes.
        Assert.InRange(grown, long.MinValue, 400_000_000);
    }

    /// <summary>
    /// With the checksums made right again, so that what is behind them is tested: nothing outside the files is ever read.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_damaged_journal_is_read_up_to_the_damage_or_refused(bool checksumsMended)
    {
        using (var index = _sandbox.OfVectors(4))
        {
            for (int i = 0; i < 6; i++)
                index.AddEmbeddings([$"{i} a", $"{i} b", $"{i} c"], Sandbox.Vectors(3, 4, i),
                    [null, new Dictionary<string, string> { ["key"] = "value" }, null]);
            index.Remove("2 b", "3 a");
        }
        string path = Path.Combine(_sandbox.Index, "journal.bin");
        byte[] whole = File.ReadAllBytes(path);
        int refused = 0;
        for (int number = 0; number < Damaged; number++)
        {
            byte[] bytes = Mutate(new Random(number), whole);
            File.WriteAllBytes(path, checksumsMended ? Mended(bytes) : bytes);
            try
            {
                using var index = ImageSearchIndex.Open(_sandbox.Index);
                var all = index.Embeddings.All().ToList();
                Assert.Equal(index.Count, all.Count);
                Assert.Equal(Math.Min(10, index.Count), index.Search(Sandbox.Vectors(1, index.Width)).Count);
                index.Find("5 a");
            }
            catch (Exception exception) when (exception is InvalidDataException or FileNotFoundException)
            {
                Assert.Contains("journal.bin", exception.Message, StringComparison.Ordinal);
                refused++;
            }
            catch (Exception exception)
            {
                Assert.Fail($"Damage {number}: {exception}");
            }
        }
        Assert.InRange(refused, Damaged / 10, Damaged);
    }

    /// <summary>One of each format and of each way a file may hold its samples.</summary>
    private static List<(string Ending, byte[] Bytes)> Pictures()
    {
        string reference = Path.Combine(Sandbox.RepositoryRoot, "tests", "Clip.Tests", "Reference", "preprocess", "images");
        var pictures = Directory.GetFiles(reference).Where(path => new FileInfo(path).Length < 100_000).Order(StringComparer.Ordinal)
            .Select(path => (Path.GetExtension(path), File.ReadAllBytes(path))).ToList();
        using var bitmap = SKBitmap.Decode(Sandbox.Image(1, 60, 40).ToPng());
        foreach (int quality in new[] { 30, 100 })
        {
            using var webp = bitmap.Encode(SKEncodedImageFormat.Webp, quality);
            pictures.Add((".webp", webp.ToArray()));
        }
        pictures.Add((".gif", Convert.FromBase64String("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")));
        var bmp = new byte[54 + 60 * 3 * 40];
        "BM"u8.CopyTo(bmp);
        foreach (var (at, value) in new[] { (2, bmp.Length), (10, 54), (14, 40), (18, 60), (22, 40),
            (26, 1 | 24 << 16) }) BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(at), value);
        pictures.Add((".bmp", bmp));
        return pictures;
    }

    /// <summary>
    /// Bits flipped, bytes overwritten, cut short, a piece repeated; half of the time near the beginning, where headers are.
    /// </summary>
    private static byte[] Mutate(Random random, byte[] whole)
    {
        byte[] bytes = [.. whole];
        for (int change = random.Next(1, 6); change > 0; change--)
        {
            int at = random.Next(random.Next(2) == 0 ? Math.Min(bytes.Length, 100) : bytes.Length),
                run = Math.Min(random.Next(1, 9), bytes.Length - at);
            switch (random.Next(6))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: random.NextBytes(bytes.AsSpan(at, run)); break;
                case 2: bytes.AsSpan(at, run).Fill(0xff); break;
                case 3: bytes.AsSpan(at, run).Clear(); break;
                case 4 when change == 1 && bytes.Length > 20: bytes = bytes[..random.Next(20, bytes.Length)]; break;
                default: bytes = [.. bytes[..at], .. bytes.AsSpan(at, run), .. bytes[at..]]; break;
            }
        }
        return bytes;
    }

    /// <summary>Gives every record that has a length its right checksum.</summary>
    private static byte[] Mended(byte[] bytes)
    {
        for (int at = 0; (at = IndexOf(bytes, at)) >= 0 && at + JournalRecord.HeadBytes <= bytes.Length; at += 4)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 4));
            if (length < 0 || length > bytes.Length - at - JournalRecord.HeadBytes) continue;
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at + 8),
                Checksum.Of(bytes.AsSpan(at + JournalRecord.HeadBytes, length), Checksum.Of(bytes.AsSpan(at + 4, 4))));
        }
        return bytes;
    }

    private static int IndexOf(byte[] bytes, int from) => bytes.AsSpan(from).IndexOf("CREC"u8) is >= 0 and var found ? from + found : -1;
}
