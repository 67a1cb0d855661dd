using System.Diagnostics;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search.Tests;

/// <summary>What is on disk, who may write it, and what a crash leaves.</summary>
public sealed class StorageTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    private string Journal => Path.Combine(_sandbox.Index, "journal.bin");

    private string VectorsFile => Path.Combine(_sandbox.Index, "vectors.bin");

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void An_index_is_reopened_as_it_was()
    {
        using (var clip = Sandbox.RandomClip())
        {
            using (var index = ImageSearchIndex.Create(_sandbox.Index, clip))
                index.AddRange(Enumerable.Range(0, 10).Select(
                    i => new IndexImage($"{i}", Sandbox.Image(i), i == 3 ? new Dictionary<string, string> { ["who"] = "ä <b>&" } : null)));
            using var reopened = ImageSearchIndex.Open(_sandbox.Index, clip);
            Assert.Equal(10, reopened.Count);
            Assert.Equal("3", reopened.Search(Sandbox.Image(3))[0].Id);
            Assert.Equal("ä <b>&", reopened.Find("3")!.Metadata["who"]);
            Assert.Null(reopened.Find("10"));
            reopened.Verify();
        }
        using var withoutModel = ImageSearchIndex.Open(_sandbox.Index);
        Assert.Contains("without an encoder", Assert.Throws<InvalidOperationException>(() => withoutModel.Search("a cat")).Message,
            StringComparison.Ordinal);
        Assert.Equal("4", withoutModel.Search(withoutModel.Embeddings["4"])[0].Id);
    }

    /// <summary>Another program that reads the file of vectors finds there what its rows are.</summary>
    [Theory]
    [InlineData(VectorStorage.Float32)]
    [InlineData(VectorStorage.Float16)]
    public void The_file_of_vectors_begins_with_its_version_its_width_and_its_storage(VectorStorage storage)
    {
        using (var index = _sandbox.OfVectors(3, storage)) index.AddEmbeddings(["a"], Sandbox.Vectors(1, 3));
        byte[] bytes = File.ReadAllBytes(VectorsFile);
        Assert.Equal("CLIPVEC\n"u8, bytes.AsSpan(0, 8));
        int At(int place) => System.Buffers.Binary.BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(place));
        Assert.True(At(8) > 0, $"version {At(8)}");
        Assert.Equal((3, (int)storage), (At(12), At(16)));
        Assert.All(bytes[20..64], value => Assert.Equal(0, value));
        Assert.Equal(64 + 3 * (storage == VectorStorage.Float32 ? 4 : 2), bytes.Length);
    }

    [Fact]
    public void An_index_refuses_another_model_than_its_own()
    {
        using var clip = Sandbox.RandomClip();
        ImageSearchIndex.Create(_sandbox.Index, clip).Dispose();
        using var other = Sandbox.RandomClip(seed: 2);
        string message = Assert.Throws<InvalidDataException>(() => ImageSearchIndex.Open(_sandbox.Index, other)).Message;
        Assert.Contains("was built by another model", message, StringComparison.Ordinal);
        Assert.Contains(_sandbox.Index, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_an_index_says_so_and_one_with_an_index_is_not_overwritten()
    {
        Assert.Contains("There is no image index", Assert.Throws<FileNotFoundException>(
            () => ImageSearchIndex.Open(_sandbox.Pictures)).Message, StringComparison.Ordinal);
        _sandbox.OfVectors(4).Dispose();
        Assert.True(ImageSearchIndex.Exists(_sandbox.Index));
        Assert.Contains("holds an index already", Assert.Throws<IOException>(() => _sandbox.OfVectors(4)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_is_there_is_replaced()
    {
        using var index = _sandbox.OfVectors(2);
        index.AddEmbeddings(["a", "b"], [1, 0, 0, 1]);
        index.AddEmbeddings(["a"], [0, -1]);
        Assert.Equal(2, index.Count);
        Assert.Equal(["b", "a"], index.Search([0, 1]).Select(result => result.Id));
        Assert.Equal(-1f, index.Search([0, 1])[1].Score);
        Assert.Equal(1, index.Remove("a", "nobody"));
        Assert.Equal(["b"], index.Search([0, 1]).Select(result => result.Id));
    }

    [Fact]
    public void One_writes_and_others_read_what_is_committed()
    {
        using var writer = _sandbox.OfVectors(2);
        writer.AddEmbeddings(["a"], [1, 0]);
        using var reader = ImageSearchIndex.Open(_sandbox.Index);
        using var second = ImageSearchIndex.Open(_sandbox.Index);
        writer.AddEmbeddings(["b"], [0, 1]);
        Assert.Equal(1, reader.Count);
        Assert.True(reader.Refresh());
        Assert.False(reader.Refresh());
        Assert.Equal("b", reader.Search([0, 1])[0].Id);
        Assert.Single(second.Search([0, 1]));

        string message = Assert.Throws<IOException>(() => reader.Remove("a")).Message;
        Assert.Contains("is being written by another", message, StringComparison.Ordinal);
        writer.Dispose();
        Assert.Equal(1, reader.Remove("a"));
        Assert.True(second.Refresh());
        Assert.Equal(["b"], second.Search([1, 1]).Select(result => result.Id));
    }

    [Fact]
    public void Zeros_or_old_bytes_after_the_last_commit_are_not_taken_for_one()
    {
        using (var index = _sandbox.OfVectors(3)) index.AddEmbeddings(["a"], Sandbox.Vectors(1, 3));
        byte[] whole = File.ReadAllBytes(Journal);
        foreach (byte[] tail in new[] { new byte[5000], "CREC"u8.ToArray(), [.. "CREC"u8, 0xff, 0xff, 0xff, 0x7f, .. new byte[100]] })
        {
            File.WriteAllBytes(Journal, [.. whole, .. tail]);
            using var reader = ImageSearchIndex.Open(_sandbox.Index);
            Assert.Equal(["a"], reader.Embeddings.Ids);
        }
    }

    [Fact]
    public void Damaged_vectors_are_found_by_verifying_and_missing_ones_by_opening()
    {
        using (var index = _sandbox.OfVectors(3))
            for (int i = 0; i < 4; i++) index.AddEmbeddings([$"{i}"], Sandbox.Vectors(1, 3, i));
        byte[] whole = File.ReadAllBytes(VectorsFile);
        byte[] damaged = [.. whole];
        damaged[64 + 2 * 12 + 1] ^= 1;
        File.WriteAllBytes(VectorsFile, damaged);
        using (var index = ImageSearchIndex.Open(_sandbox.Index))
            Assert.Contains("rows 2 to 2, from \"2\" on", Assert.Throws<InvalidDataException>(index.Verify).Message,
                StringComparison.Ordinal);
        File.WriteAllBytes(VectorsFile, whole[..^1]);
        Assert.Contains("is cut short", Assert.Throws<InvalidDataException>(() => ImageSearchIndex.Open(_sandbox.Index)).Message,
            StringComparison.Ordinal);
        File.WriteAllBytes(VectorsFile, [.. "something else"u8, .. whole[14..]]);
        Assert.Contains("does not belong", Assert.Throws<InvalidDataException>(() => ImageSearchIndex.Open(_sandbox.Index)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Compaction_drops_dead_rows_and_leaves_everything_else()
    {
        using var index = _sandbox.OfVectors(16);
        index.AddEmbeddings([.. Enumerable.Range(0, 1000).Select(i => $"{i}")], Sandbox.Vectors(1000, 16),
            [.. Enumerable.Range(0, 1000).Select(i => new Dictionary<string, string> { ["n"] = $"{i}" })]);
        index.Remove([.. Enumerable.Range(0, 1000).Where(i => i % 3 > 0).Select(i => $"{i}")]);
        var query = Sandbox.Vectors(1, 16, 5);
        var before = index.Search(query, new SearchOptions { Top = 1000 });
        using var reader = ImageSearchIndex.Open(_sandbox.Index);
        index.Compact();
        Assert.Equal(64 + 334 * 16 * 4, new FileInfo(Path.Combine(_sandbox.Index, "vectors-2.bin")).Length);
        Assert.False(File.Exists(VectorsFile));
        Assert.Equal(before.Select(result => (result.Id, result.Score, result.Metadata["n"])),
            index.Search(query, new SearchOptions { Top = 1000 }).Select(result => (result.Id, result.Score, result.Metadata["n"])));
        Assert.Equal(before.Select(result => result.Id),
            reader.Search(query, new SearchOptions { Top = 1000 }).Select(result => result.Id));
        index.AddEmbeddings(["new"], query);
        index.Remove("999");
        Assert.True(reader.Refresh());
        Assert.Equal("new", reader.Search(query)[0].Id);
        Assert.Equal(334, reader.Count);
        reader.Verify();
    }

    [Fact]
    public void What_a_crash_during_compaction_leaves_is_cleared_away()
    {
        using (var index = _sandbox.OfVectors(3)) index.AddEmbeddings(["a"], Sandbox.Vectors(1, 3));
        File.WriteAllBytes(Path.Combine(_sandbox.Index, "vectors-2.bin"), new byte[100]);
        File.WriteAllBytes(Path.Combine(_sandbox.Index, "journal.bin.part"), new byte[100]);
        using (var index = ImageSearchIndex.Open(_sandbox.Index)) index.AddEmbeddings(["b"], Sandbox.Vectors(1, 3));
        Assert.Equal(["journal.bin", "vectors.bin", "writer.lock"],
            Directory.GetFiles(_sandbox.Index).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Files_of_others_beside_an_index_are_left_alone()
    {
        using (var index = _sandbox.OfVectors(3)) index.AddEmbeddings(["a"], Sandbox.Vectors(1, 3));
        string[] own = ["vectors-7.bin", $"vectors-2.bin.{Guid.NewGuid():N}.part", $"journal.bin.{Guid.NewGuid():N}.part",
            $"shard.json.{Guid.NewGuid():N}.part"];
        string[] others = ["vectors-of-words.bin", "vectors.bin.bin", "film.mkv.part", $"notes.txt.{Guid.NewGuid():N}.part"];
        foreach (string name in own.Concat(others)) File.WriteAllBytes(Path.Combine(_sandbox.Index, name), new byte[100]);
        using (var index = ImageSearchIndex.Open(_sandbox.Index)) index.AddEmbeddings(["b"], Sandbox.Vectors(1, 3));
        Assert.Equal(others.Concat(["journal.bin", "vectors.bin", "writer.lock"]).Order(StringComparer.Ordinal),
            Directory.GetFiles(_sandbox.Index).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    /// <summary>The journals are equally long; in the second case their last records are equal too.</summary>
    [Theory]
    [InlineData("x")]
    [InlineData("y")]
    public void An_index_that_was_deleted_and_made_anew_is_read_anew(string removed)
    {
        Make("a", "b", "b");
        using var reader = ImageSearchIndex.Open(_sandbox.Index);
        using var writer = ImageSearchIndex.Open(_sandbox.Index);
        Directory.Delete(_sandbox.Index, recursive: true);
        Make("x", "y", removed);
        string left = removed == "x" ? "y" : "x";
        Assert.True(reader.Refresh());
        Assert.False(reader.Refresh());
        Assert.Equal([left], reader.Embeddings.Ids);
        Assert.NotNull(reader.Find(left));
        writer.AddEmbeddings(["c"], [1, 1]);
        Assert.Equal([left, "c"], writer.Embeddings.Ids);
        writer.Verify();

        void Make(string one, string other, string without)
        {
            using var index = _sandbox.OfVectors(2);
            index.AddEmbeddings([one, other], [1, 0, 0, 1]);
            index.Remove(without);
        }
    }

    /// <summary>2^29 values are 2^31 bytes, more than a span of bytes has. Takes 7 GB of memory and 2 GB of disk.</summary>
    [Fact]
    public void Vectors_of_two_gigabytes_are_committed_at_once()
    {
        Assert.SkipUnless(Sandbox.Long, "Takes 7 GB of memory: CLIP_LONG_TESTS=1.");
        const int rows = 512, width = 1 << 20;
        using var index = _sandbox.OfVectors(width);
        var vectors = new float[rows * width];
        for (int row = 0; row < rows; row++) vectors[row * width + row] = 1;
        index.AddEmbeddings([.. Enumerable.Range(0, rows).Select(i => $"{i}")], vectors);
        Assert.Equal("300", index.Search(vectors.AsSpan(300 * width, width))[0].Id);
        index.Verify();
    }

    [Fact]
    public async Task Sixteen_threads_search_while_one_adds_and_removes()
    {
        const int width = 24, batch = 20;
        using var index = _sandbox.OfVectors(width);
        index.AddEmbeddings([.. Enumerable.Range(0, 200).Select(i => $"kept {i}")], Sandbox.Vectors(200, width));
        var query = Sandbox.Vectors(1, width, 5);
        var best = index.Search(query, new SearchOptions { Top = 200, Filter = entry =>
            entry.Id.StartsWith("kept", StringComparison.Ordinal) }).Select(result => result.Id).ToList();
        using var stop = new CancellationTokenSource();
        var searches = Enumerable.Range(0, 16).Select(_ => Task.Factory.StartNew(() =>
        {
            int count = 0;
            while (!stop.IsCancellationRequested || count == 0)
            {
                var found = index.Search(query, new SearchOptions { Top = 1000 });
                Assert.Equal(best, found.Where(result => result.Id.StartsWith("kept", StringComparison.Ordinal))
                    .Select(result => result.Id));
                // A batch is seen whole or not at all.
                Assert.All(found.GroupBy(result => result.Id.Split(' ')[1])
                    .Where(group => group.First().Id.StartsWith("batch", StringComparison.Ordinal)), group =>
                    Assert.Equal(batch, group.Count(result => result.Id.StartsWith("batch", StringComparison.Ordinal))));
                count++;
            }
            return count;
        }, TaskCreationOptions.LongRunning)).ToArray();
        for (int i = 0; i < 30; i++)
        {
            index.AddEmbeddings([.. Enumerable.Range(0, batch).Select(j => $"batch b{i} {j}")], Sandbox.Vectors(batch, width, i));
            if (i % 3 == 2) index.Remove([.. Enumerable.Range(0, batch).Select(j => $"batch b{i - 1} {j}")]);
            if (i % 10 == 9) index.Compact();
        }
        await stop.CancelAsync();
        await Task.WhenAll(searches);
        Assert.Equal(200 + 20 * batch, index.Count);
    }

    [Fact]
    public void A_disposed_index_says_so()
    {
        var index = _sandbox.OfVectors(2);
        index.AddEmbeddings(["a"], [1, 0]);
        index.Dispose();
        index.Dispose();
        Assert.Throws<ObjectDisposedException>(() => index.Search([1, 0]));
        Assert.Throws<ObjectDisposedException>(() => index.Remove("a"));
    }

    /// <summary>The limit is generous for a machine that does other work: what takes a few milliseconds must not grow to seconds.</summary>
    [Fact]
    public void A_large_index_opens_at_once()
    {
        const int rows = 100_000;
        using (var index = _sandbox.OfVectors(4)) index.AddEmbeddings(
            [.. Enumerable.Range(0, rows).Select(i => $"folder/picture number {i}.jpg")], Sandbox.Vectors(rows, 4));
        double best = Enumerable.Range(0, 5).Min(_ =>
        {
            var clock = Stopwatch.StartNew();
            using var opened = ImageSearchIndex.Open(_sandbox.Index);
            Assert.Equal(rows, opened.Count);
            return clock.Elapsed.TotalMilliseconds;
        });
        Assert.InRange(best, 0, 250);
    }

    [Fact]
    public void The_checksum_is_CRC_32C()
    {
        // RFC 3720, B.4: 32 bytes of zeros; of 0 to 31; and the usual check value.
        Assert.Equal(0x8a9136aau, Checksum.Of(new byte[32]));
        Assert.Equal(0x46dd794eu, Checksum.Of([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
        Assert.Equal(0xe3069283u, Checksum.Of("123456789"u8));
        Assert.Equal(0xe3069283u, Checksum.Of("56789"u8, Checksum.Of("1234"u8)));
    }

    [Fact]
    public void Compaction_of_more_rows_than_one_record_takes()
    {
        using (var index = _sandbox.OfVectors(2))
        {
            index.AddEmbeddings([.. Enumerable.Range(0, 5000).Select(i => $"{i}")], Sandbox.Vectors(5000, 2));
            index.Remove("0");
            index.Compact();
            index.Verify();
        }
        using var reopened = ImageSearchIndex.Open(_sandbox.Index);
        Assert.Equal(4999, reopened.Count);
        Assert.Equal("4999", reopened.Embeddings.Ids[^1]);
    }

    [Fact]
    public void Compaction_keeps_the_root()
    {
        using (var index = ImageSearchIndex.Create(_sandbox.Index, 2, "no model", "no model", null,
            new IndexOptions { Root = _sandbox.Pictures }))
        {
            index.AddEmbeddings(["a"], [1, 0]);
            index.Compact();
        }
        using var reopened = ImageSearchIndex.Open(_sandbox.Index);
        Assert.Equal(_sandbox.Pictures, reopened.Root);
    }

    [Fact]
    public void A_reader_of_a_small_index_sees_a_longer_one_that_was_compacted()
    {
        using var index = _sandbox.OfVectors(2);
        index.AddEmbeddings(["a"], [1, 0]);
        using var reader = ImageSearchIndex.Open(_sandbox.Index);
        for (int i = 0; i < 100; i++) index.AddEmbeddings([$"b{i}"], [0, 1]);
        index.Remove("a");
        index.Compact();
        Assert.True(reader.Refresh());
        Assert.Equal((100, "b0"), (reader.Count, reader.Embeddings.Ids[0]));
    }

    [Fact]
    public void What_is_read_is_not_changed_by_a_removal_meanwhile()
    {
        using var index = _sandbox.OfVectors(2);
        index.AddEmbeddings(["a", "b", "c"], [1, 0, 0, 1, 1, 1]);
        index.Remove("a");
        using var all = index.Embeddings.All().GetEnumerator();
        Assert.True(all.MoveNext());
        index.Remove("c");
        Assert.True(all.MoveNext());
        Assert.Equal("c", all.Current.Entry.Id);
    }

    [Fact]
    public void Vectors_that_are_gone_are_named()
    {
        _sandbox.OfVectors(2).Dispose();
        File.Delete(VectorsFile);
        Assert.Contains("names a file of vectors that is not there", Assert.Throws<InvalidDataException>(
            () => ImageSearchIndex.Open(_sandbox.Index)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_mapping_is_left_behind()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Mappings are listed by Linux.");
        int Mapped() => File.ReadLines("/proc/self/maps").Count(line => line.Contains(_sandbox.Index, StringComparison.Ordinal));
        using (var index = _sandbox.OfVectors(2))
        {
            for (int i = 0; i < 50; i++)
            {
                index.AddEmbeddings([$"{i}"], [1, 0]);
                index.Search([1f, 0]);
                _ = index.Embeddings.All().First();
            }
            Assert.Equal(2, Mapped());
        }
        File.WriteAllBytes(VectorsFile, new byte[5000]);
        for (int i = 0; i < 20; i++) Assert.Throws<InvalidDataException>(() => ImageSearchIndex.Open(_sandbox.Index));
        Assert.Equal(0, Mapped());
    }
}
