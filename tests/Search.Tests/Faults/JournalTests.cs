using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search.Tests.Faults;

/// <summary>Damage to a journal: every flipped bit and every cut is named, and nothing that is whole is overwritten.</summary>
public sealed class JournalTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    private string Journal => Path.Combine(_sandbox.Index, "journal.bin");

    private string Vectors => Path.Combine(_sandbox.Index, "vectors.bin");

    /// <summary>Three commits: two images, one more, and one removed.</summary>
    private byte[] Make()
    {
        using (var index = _sandbox.OfVectors(2))
        {
            index.AddEmbeddings(["a", "b"], [1, 0, 0, 1]);
            index.AddEmbeddings(["c"], [1, 1]);
            index.Remove("b");
        }
        return File.ReadAllBytes(Journal);
    }

    private string Refused()
    {
        string message = Assert.Throws<InvalidDataException>(() => ImageSearchIndex.Open(_sandbox.Index)).Message;
        Assert.Contains("journal.bin", message, StringComparison.Ordinal);
        return message;
    }

    private static string[] Ids(ImageSearchIndex index) => [.. index.Embeddings.Ids];

    [Fact]
    public void Every_flipped_bit_is_named_and_the_file_is_left_as_it_is()
    {
        byte[] whole = Make();
        var undetected = new List<string>();
        for (int at = 0; at < whole.Length; at++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] damaged = [.. whole];
                damaged[at] ^= (byte)(1 << bit);
                File.WriteAllBytes(Journal, damaged);
                try
                {
                    ImageSearchIndex.Open(_sandbox.Index).Dispose();
                    undetected.Add($"bit {bit} of byte {at}");
                }
                catch (InvalidDataException exception) when (exception.Message.Contains("journal.bin", StringComparison.Ordinal))
                {
                }
            }
        }
        Assert.Empty(undetected);
        Assert.Equal(whole.Length, new FileInfo(Journal).Length);
    }

    [Fact]
    public void Every_cut_is_named_and_the_file_is_left_as_it_is()
    {
        byte[] whole = Make();
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(Journal, whole[..length]);
            string message = Refused();
            if (length >= 24 + JournalRecord.HeadBytes + 200) Assert.Contains("is cut short", message, StringComparison.Ordinal);
            Assert.Equal(length, new FileInfo(Journal).Length);
            Assert.Equal(64 + 3 * 8, new FileInfo(Vectors).Length);
        }
    }

    /// <summary>A crash leaves the journal with an earlier seal and any part of the record that was being written.</summary>
    [Fact]
    public void A_commit_that_a_crash_tore_at_any_byte_is_gone_and_the_next_one_takes_its_place()
    {
        byte[] before, vectorsBefore, after, vectorsAfter;
        using (var index = _sandbox.OfVectors(2))
        {
            index.AddEmbeddings(["a", "b"], [1, 0, 0, 1]);
            (before, vectorsBefore) = (ReadAll(Journal), ReadAll(Vectors));
            index.AddEmbeddings(["c"], [1, 1]);
            (after, vectorsAfter) = (ReadAll(Journal), ReadAll(Vectors));
        }
        for (int length = before.Length; length <= after.Length; length++)
        {
            File.WriteAllBytes(Journal, [.. before, .. after[before.Length..length]]);
            File.WriteAllBytes(Vectors, vectorsAfter);
            string[] there = length == after.Length ? ["a", "b", "c"] : ["a", "b"];
            using (var reader = ImageSearchIndex.Open(_sandbox.Index)) Assert.Equal(there, Ids(reader));
            using (var index = ImageSearchIndex.Open(_sandbox.Index))
            {
                index.AddEmbeddings(["d"], [1, 1]);
                Assert.Equal([.. there, "d"], Ids(index));
            }
            using var again = ImageSearchIndex.Open(_sandbox.Index);
            Assert.Equal([.. there, "d"], Ids(again));
            again.Verify();
        }
        // The vectors alone had been written.
        File.WriteAllBytes(Journal, before);
        File.WriteAllBytes(Vectors, [.. vectorsBefore, 1, 2, 3]);
        using var torn = ImageSearchIndex.Open(_sandbox.Index);
        Assert.Equal(["a", "b"], Ids(torn));
    }

    [Fact]
    public void What_is_whole_of_a_damaged_index_is_kept_in_a_new_one()
    {
        string target = Path.Combine(_sandbox.Folder, "kept");
        using (var index = _sandbox.OfVectors(2))
        {
            for (int i = 0; i < 6; i++)
            {
                var metadata = new Dictionary<string, string> { ["key"] = $"{i}" };
                index.AddEmbeddings([$"{i} a", $"{i} b"], Sandbox.Vectors(2, 2, i), [null, metadata]);
            }
        }
        byte[] whole = File.ReadAllBytes(Journal), vectors = File.ReadAllBytes(Vectors);

        // The third commit's record.
        byte[] damaged = [.. whole];
        damaged[Records(whole)[3] + 40] ^= 1;
        File.WriteAllBytes(Journal, damaged);
        Assert.Contains("before it are 4 images", Refused(), StringComparison.Ordinal);
        Assert.Contains("what bytes", Assert.Single(ImageSearchIndex.Salvage(_sandbox.Index, target)), StringComparison.Ordinal);
        Kept(["0 a", "0 b", "1 a", "1 b", "3 a", "3 b", "4 a", "4 b", "5 a", "5 b"]);
        Assert.Equal(damaged, File.ReadAllBytes(Journal));

        // Cut inside the last.
        File.WriteAllBytes(Journal, whole[..^3]);
        Assert.Contains("before it are 10 images", Refused(), StringComparison.Ordinal);
        string cut = Assert.Single(ImageSearchIndex.Salvage(_sandbox.Index, target));
        Assert.Contains("what was committed from byte", cut, StringComparison.Ordinal);
        Kept(["0 a", "0 b", "1 a", "1 b", "2 a", "2 b", "3 a", "3 b", "4 a", "4 b"]);

        // The seal alone.
        damaged = [.. whole];
        damaged[13] ^= 1;
        File.WriteAllBytes(Journal, damaged);
        Assert.Contains("the seal at byte 8", Refused(), StringComparison.Ordinal);
        Assert.Contains("the seal at byte 8", Assert.Single(ImageSearchIndex.Salvage(_sandbox.Index, target)), StringComparison.Ordinal);
        Kept(["0 a", "0 b", "1 a", "1 b", "2 a", "2 b", "3 a", "3 b", "4 a", "4 b", "5 a", "5 b"]);

        // Vectors that were damaged or cut off.
        File.WriteAllBytes(Journal, whole);
        byte[] other = vectors[..^9];
        other[64 + 3] ^= 1;
        File.WriteAllBytes(Vectors, other);
        var lost = ImageSearchIndex.Salvage(_sandbox.Index, target);
        Assert.Equal(2, lost.Count);
        Assert.Contains("2 images from row 0 on", lost[0], StringComparison.Ordinal);
        Assert.Contains("2 images from row 10 on", lost[1], StringComparison.Ordinal);
        Kept(["1 a", "1 b", "2 a", "2 b", "3 a", "3 b", "4 a", "4 b"]);

        File.WriteAllBytes(Vectors, vectors);
        Assert.Empty(ImageSearchIndex.Salvage(_sandbox.Index, target));
        Assert.Throws<IOException>(() => ImageSearchIndex.Salvage(_sandbox.Index, target));

        void Kept(string[] ids)
        {
            using (var kept = ImageSearchIndex.Open(target))
            {
                kept.Verify();
                Assert.Equal(ids, Ids(kept));
                foreach (string id in ids)
                {
                    Assert.Equal(id, kept.Search(Sandbox.Vectors(2, 2, id[0] - '0').AsSpan(id[2] == 'a' ? 0 : 2, 2))[0].Id);
                    Assert.Equal(id[2] == 'b' ? $"{id[0]}" : null, kept.Find(id)!.Metadata.GetValueOrDefault("key"));
                }
            }
            Directory.Delete(target, recursive: true);
        }
    }

    /// <summary>With its checksum made right, an entry's name claims a length of -1.</summary>
    [Fact]
    public void An_entry_of_a_negative_length_is_named_and_the_others_are_kept()
    {
        byte[] damaged = Make();
        int record = Records(damaged)[1], length = BinaryPrimitives.ReadInt32LittleEndian(damaged.AsSpan(record + 4));
        new byte[] { 0xff, 0xff, 0xff, 0xff, 0x0f }.CopyTo(damaged, record + JournalRecord.HeadBytes + JournalRecord.BatchBytes + 2 * 4);
        BinaryPrimitives.WriteUInt32LittleEndian(damaged.AsSpan(record + 8),
            Checksum.Of(damaged.AsSpan(record + JournalRecord.HeadBytes, length), Checksum.Of(damaged.AsSpan(record + 4, 4))));
        File.WriteAllBytes(Journal, damaged);
        using var index = ImageSearchIndex.Open(_sandbox.Index);
        Assert.Contains("the entry of row 0 cannot be read",
            Assert.Throws<InvalidDataException>(() => Ids(index)).Message, StringComparison.Ordinal);
        string target = Path.Combine(_sandbox.Folder, "kept");
        Assert.Contains("the entry of row 0", Assert.Single(ImageSearchIndex.Salvage(_sandbox.Index, target)), StringComparison.Ordinal);
        using var kept = ImageSearchIndex.Open(target);
        Assert.Equal(["c"], Ids(kept));
    }

    /// <summary>The seal came later than the format: an index without one is read as before, and gets one from its next writer.</summary>
    [Fact]
    public void A_journal_of_an_earlier_library_is_read_and_gets_its_seal_from_the_first_writer()
    {
        byte[] whole = Make(), old = [.. whole[..8], .. whole[24..]];
        File.WriteAllBytes(Journal, old);
        using (var reader = ImageSearchIndex.Open(_sandbox.Index))
        {
            Assert.Equal(["a", "c"], Ids(reader));
            Assert.Equal(old, File.ReadAllBytes(Journal));
            using (var index = ImageSearchIndex.Open(_sandbox.Index)) index.AddEmbeddings(["d"], [1, 1]);
            Assert.True(reader.Refresh());
            Assert.Equal(["a", "c", "d"], Ids(reader));
        }
        byte[] written = File.ReadAllBytes(Journal);
        Assert.True(written.AsSpan().StartsWith(whole.AsSpan(0, 12)));
        Assert.Equal(written.Length, BinaryPrimitives.ReadInt64LittleEndian(written.AsSpan(12)));
        File.WriteAllBytes(Journal, written[..^1]);
        Assert.Contains("is cut short", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_compacted_index_is_sealed_too()
    {
        Make();
        using (var index = ImageSearchIndex.Open(_sandbox.Index)) index.Compact();
        byte[] written = File.ReadAllBytes(Journal);
        Assert.Equal(written.Length, BinaryPrimitives.ReadInt64LittleEndian(written.AsSpan(12)));
        File.WriteAllBytes(Journal, written[..^1]);
        Assert.Contains("is cut short", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Readers_that_open_while_a_writer_commits_see_one_commit_or_the_next()
    {
        using var index = _sandbox.OfVectors(2);
        using var stop = new CancellationTokenSource();
        var reading = Task.Run(() =>
        {
            int opened = 0;
            for (; !stop.IsCancellationRequested || opened == 0; opened++) ImageSearchIndex.Open(_sandbox.Index).Dispose();
            return opened;
        });
        for (int i = 0; i < 100; i++) index.AddEmbeddings([$"{i}"], [1, 0]);
        await stop.CancelAsync();
        Assert.InRange(await reading, 1, int.MaxValue);
    }

    /// <summary>Markers of records that would each reach to the end of the file: to sum them all takes the square of its length.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_crafted_tail_takes_a_time_that_grows_with_its_length(bool withSeal)
    {
        byte[] whole = Make(), begin = withSeal ? whole : [.. whole[..8], .. whole[24..]];
        Assert.InRange(Open(16), 0, 24 * Open(1) + 1000);

        double Open(int megabytes)
        {
            byte[] tail = new byte[megabytes << 20];
            for (int at = 0; at + JournalRecord.HeadBytes <= tail.Length; at += JournalRecord.HeadBytes)
            {
                JournalRecord.Marker.CopyTo(tail.AsSpan(at));
                BinaryPrimitives.WriteInt32LittleEndian(tail.AsSpan(at + 4), tail.Length - at - JournalRecord.HeadBytes);
            }
            File.WriteAllBytes(Journal, [.. begin, .. tail]);
            double best = double.MaxValue;
            for (int i = 0; i < 3; i++)
            {
                var clock = Stopwatch.StartNew();
                using (var index = ImageSearchIndex.Open(_sandbox.Index)) Assert.Equal(["a", "c"], Ids(index));
                best = Math.Min(best, clock.Elapsed.TotalMilliseconds);
            }
            return best;
        }
    }

    [Fact]
    public void Names_with_half_a_character_are_refused_since_two_of_them_would_become_one()
    {
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        foreach (string name in new[] { "a\uD83D", "\uDE42a", "\uDE42\uD83D" })
        {
            var error = Assert.Throws<ArgumentException>(() => index.Add(name, Sandbox.Image(1)));
            Assert.Contains("half a character", error.Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => index.AddEmbeddings([name], Sandbox.Vectors(1, 24)));
            var metadata = new Dictionary<string, string> { ["key"] = name };
            Assert.Throws<ArgumentException>(() => index.Add("a", Sandbox.Image(1), metadata));
            Assert.Throws<ArgumentException>(() => index.AddEmbeddings(["a"], Sandbox.Vectors(1, 24), [metadata]));
        }
        Assert.Equal(0, index.Count);
        index.Add("🙂", Sandbox.Image(1), new Dictionary<string, string> { ["🙂"] = "🙂" });
        Assert.Equal("🙂", Assert.Single(index.Embeddings.Ids));
    }

    /// <summary>Indexes of every version of the library are read by every other: the layout is held to the byte.</summary>
    [Fact]
    public void The_files_are_to_the_byte_those_of_earlier_versions()
    {
        using (var index = _sandbox.OfVectors(2))
            index.AddEmbeddings(["a", "b"], [1, 0, 0, 1], [null, new Dictionary<string, string> { ["k"] = "v" }]);
        Assert.Equal("0ee85c224402586287ac78ea0de1c08320182a1f6828e227bca8102b84e6e9d1", Sum(Journal));
        Assert.Equal("7622ef6d52dabb28e630f586536a3575a03ce1969f488aa974148168a97dba6a", Sum(Vectors));

        static string Sum(string path) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));
    }

    /// <summary>Journals of the first version have no seal.</summary>
    [Fact]
    public void Damage_before_a_whole_record_is_named_without_a_seal_too()
    {
        byte[] whole = Make(), old = [.. whole[..8], .. whole[24..]];
        old[Records(whole)[2] - 16 + 20] ^= 1;
        File.WriteAllBytes(Journal, old);
        Assert.Contains($"though another follows at byte {Records(whole)[3] - 16}", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_broken_last_record_is_damage_and_no_cut_and_removed_images_are_not_counted()
    {
        Make();
        using (var index = ImageSearchIndex.Open(_sandbox.Index)) index.AddEmbeddings(["d"], [1, 1]);
        byte[] whole = File.ReadAllBytes(Journal), damaged = [.. whole];
        damaged[^1] ^= 1;
        File.WriteAllBytes(Journal, damaged);
        Assert.Contains($"is damaged: the record at byte {Records(whole)[^1]} is broken, though {whole.Length} bytes were committed; "
            + "before it are 2 images", Refused(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2L, null)]
    [InlineData(4L, null)]
    [InlineData(3L, -1L)]
    [InlineData(3L, 3L)]
    public void A_record_that_does_not_follow_is_refused(long first, long? deleted)
    {
        Make();
        Append(JournalRecord.OfTouches([])); // the smallest record: a payload of one byte
        using (var index = ImageSearchIndex.Open(_sandbox.Index)) Assert.Equal(["a", "c"], Ids(index));
        Append(JournalRecord.OfBatch(first, 0, [new StoredEntry { Id = "d", IsFile = false }], deleted is { } row ? [row] : []));
        Assert.Contains("does not follow from those before it", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_that_no_index_has_is_refused()
    {
        Directory.CreateDirectory(_sandbox.Index);
        var sound = new IndexHeader { Generation = 1, Width = 1 << 20, Storage = "Float32", Model = "m", ModelSummary = "m" };
        File.WriteAllBytes(Vectors, Snapshot.VectorsHeader(sound));
        Write(sound);
        ImageSearchIndex.Open(_sandbox.Index).Dispose();
        Refuses(sound with { Format = "other" }, "lacks \"Format\"");
        Refuses(sound with { Version = 2 }, "is of version 2");
        foreach (var header in new[]
        {
            sound with { Width = 0 }, sound with { Width = (1 << 20) + 1 }, sound with { Generation = 0 },
            sound with { Storage = "Float8" }, sound with { Storage = "7" }, sound with { Model = "" },
        }) Refuses(header, "which no index has");

        void Write(IndexHeader header)
        {
            byte[] record = JournalRecord.OfHeader(header);
            File.WriteAllBytes(Journal, [.. JournalRecord.Magic, .. JournalSeal.Of(24 + record.Length), .. record]);
        }

        void Refuses(IndexHeader header, string what)
        {
            Write(header);
            Assert.Contains(what, Refused(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_whole_record_that_a_crash_left_unsealed_is_sealed_by_the_next_writer()
    {
        byte[] before, after;
        using (var index = _sandbox.OfVectors(2))
        {
            index.AddEmbeddings(["a"], [1, 0]);
            before = ReadAll(Journal);
            index.AddEmbeddings(["b"], [0, 1]);
            after = ReadAll(Journal);
        }
        File.WriteAllBytes(Journal, [.. before, .. after[before.Length..]]);
        using (var index = ImageSearchIndex.Open(_sandbox.Index)) Assert.Equal(0, index.Remove("nobody"));
        Assert.Equal(after.Length, BinaryPrimitives.ReadInt64LittleEndian(File.ReadAllBytes(Journal).AsSpan(12)));
    }

    [Fact]
    public void What_stands_behind_the_last_commit_is_cut_off()
    {
        Make();
        foreach (string file in new[] { Journal, Vectors })
            File.WriteAllBytes(file, [.. File.ReadAllBytes(file), .. new byte[5000]]);
        using (var index = ImageSearchIndex.Open(_sandbox.Index)) index.AddEmbeddings(["d"], [1, 1]);
        byte[] written = File.ReadAllBytes(Journal);
        Assert.Equal(written.Length, BinaryPrimitives.ReadInt64LittleEndian(written.AsSpan(12)));
        Assert.Equal(64 + 4 * 8, new FileInfo(Vectors).Length);
    }

    [Fact]
    public void A_writer_that_could_not_open_leaves_the_lock_to_the_next_try()
    {
        byte[] whole = Make();
        using var index = ImageSearchIndex.Open(_sandbox.Index);
        Put((byte)(whole[13] ^ 1));
        Assert.Throws<InvalidDataException>(() => index.Remove("a"));
        Put(whole[13]);
        Assert.Equal(1, index.Remove("a"));

        void Put(byte value)
        {
            using var file = new FileStream(Journal, FileMode.Open, FileAccess.Write, FileShare.ReadWrite) { Position = 13 };
            file.WriteByte(value);
        }
    }

    [Fact]
    public void An_entry_that_would_reach_beyond_its_record_is_refused()
    {
        byte[] bytes = Make();
        int at = Records(bytes)[1], length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 4));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at + 12 + JournalRecord.BatchBytes + 4), 100_000);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at + 8),
            Checksum.Of(bytes.AsSpan(at + 12, length), Checksum.Of(bytes.AsSpan(at + 4, 4))));
        File.WriteAllBytes(Journal, bytes);
        using var index = ImageSearchIndex.Open(_sandbox.Index);
        Assert.Contains("the entry of row 0", Assert.Throws<InvalidDataException>(() => Ids(index)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_target_may_end_in_a_slash_and_one_that_is_taken_is_named()
    {
        Make();
        string target = Path.Combine(_sandbox.Folder, "kept");
        Assert.Empty(ImageSearchIndex.Salvage(_sandbox.Index, target + "/"));
        Assert.Contains("holds something already", Assert.Throws<IOException>(
            () => ImageSearchIndex.Salvage(_sandbox.Index, target)).Message, StringComparison.Ordinal);
    }

    /// <summary>Adds a record behind the last and seals it.</summary>
    private void Append(byte[] record)
    {
        byte[] grown = [.. File.ReadAllBytes(Journal), .. record];
        JournalSeal.Of(grown.Length).CopyTo(grown, 8);
        File.WriteAllBytes(Journal, grown);
    }

    /// <summary>Where the records begin.</summary>
    private static List<int> Records(byte[] journal)
    {
        var starts = new List<int>();
        for (int at = 24, length; at < journal.Length; at += JournalRecord.HeadBytes + length)
        {
            length = BinaryPrimitives.ReadInt32LittleEndian(journal.AsSpan(at + 4));
            starts.Add(at);
        }
        return starts;
    }

    private static byte[] ReadAll(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
