using ClipNotebooks.Core.Images;
using ClipNotebooks.Search.Sharding;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search.Tests;

/// <summary>Files and folders: what is added, what is left alone, what is refused.</summary>
public sealed class AddingTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public async Task A_folder_is_followed_through_its_changes()
    {
        for (int i = 0; i < 10; i++) _sandbox.Picture($"{(i < 5 ? "inner/deep/" : "")}{i}.png", i);
        await File.WriteAllTextAsync(Path.Combine(_sandbox.Pictures, "notes.txt"), "no image");
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip, new IndexOptions { BatchSize = 4 });

        var first = await index.AddFolderAsync(_sandbox.Pictures);
        Assert.Equal("10 added, 0 updated, 0 unchanged, 0 removed, 0 unreadable", $"{first}");
        Assert.Equal(["5.png", "6.png", "7.png", "8.png", "9.png", "inner/deep/0.png"], first.Added.Take(6));
        Assert.Equal(_sandbox.Pictures, index.Root);
        Assert.Equal(Path.Combine(_sandbox.Pictures, "inner", "deep", "3.png"), index.Search(Sandbox.Image(3))[0].Path);

        string journal = Path.Combine(_sandbox.Index, "journal.bin");
        long length = new FileInfo(journal).Length;
        Assert.Equal("0 added, 0 updated, 10 unchanged, 0 removed, 0 unreadable", $"{await index.AddFolderAsync(_sandbox.Pictures)}");
        Assert.Equal(length, new FileInfo(journal).Length);

        _sandbox.Picture("5.png", 105);                                                                     // other bytes
        File.SetLastWriteTimeUtc(Path.Combine(_sandbox.Pictures, "6.png"), new DateTime(2020, 1, 1));       // other time
        File.Delete(Path.Combine(_sandbox.Pictures, "7.png"));
        Directory.Delete(Path.Combine(_sandbox.Pictures, "inner"), recursive: true);
        _sandbox.Picture("new.png", 200);
        await File.WriteAllTextAsync(Path.Combine(_sandbox.Pictures, "8.png"), "no longer an image");
        var second = await index.AddFolderAsync(_sandbox.Pictures);
        Assert.Equal(["new.png"], second.Added);
        Assert.Equal(["5.png"], second.Updated);
        Assert.Equal(["6.png", "9.png"], second.Unchanged);
        Assert.Equal(["7.png", "8.png", "inner/deep/0.png", "inner/deep/1.png", "inner/deep/2.png", "inner/deep/3.png", "inner/deep/4.png"],
            second.Removed);
        Assert.Equal(Path.Combine(_sandbox.Pictures, "8.png"), Assert.Single(second.Unreadable).Path);
        Assert.Equal(4, index.Count);
        Assert.Equal("5.png", index.Search(Sandbox.Image(105))[0].Id);
        Assert.Equal("0 added, 0 updated, 4 unchanged, 0 removed, 1 unreadable", $"{await index.AddFolderAsync(_sandbox.Pictures)}");
        index.Verify();
    }

    [Fact]
    public async Task Unchanged_files_are_not_opened_and_equal_bytes_are_not_decoded()
    {
        _sandbox.Picture("a.png", 1);
        _sandbox.Picture("b.png", 2);
        var decoder = new CountingDecoder();
        using var clip = Sandbox.RandomClip();
        using (var index = ImageSearchIndex.Create(_sandbox.Index, clip,
            new IndexOptions { Decoder = decoder })) await index.AddFolderAsync(_sandbox.Pictures);
        Assert.Equal(2, decoder.Count);
        File.SetLastWriteTimeUtc(Path.Combine(_sandbox.Pictures, "a.png"), new DateTime(2020, 1, 1));
        using var reopened = ImageSearchIndex.Open(_sandbox.Index, clip, new IndexOptions { Decoder = decoder });
        Assert.Equal(["a.png", "b.png"], (await reopened.AddFolderAsync(_sandbox.Pictures)).Unchanged);
        Assert.Equal(2, decoder.Count);

        // The new time was kept: a file of the same length and time is taken for unchanged, though its bytes are others.
        // A commit after the new time: it is still known.
        reopened.Add("from memory", Sandbox.Image(9));
        string a = Path.Combine(_sandbox.Pictures, "a.png");
        await File.WriteAllBytesAsync(a, new byte[new FileInfo(a).Length]);
        File.SetLastWriteTimeUtc(a, new DateTime(2020, 1, 1));
        Assert.Equal(["a.png", "b.png"], (await reopened.AddFolderAsync(_sandbox.Pictures)).Unchanged);
    }

    [Fact]
    public async Task Indexing_twice_or_in_other_batches_gives_the_same_vectors()
    {
        for (int i = 0; i < 12; i++) _sandbox.Picture($"{i}.png", i);
        using var clip = Sandbox.RandomClip();
        using var whole = ImageSearchIndex.Create(_sandbox.Index, clip);
        using var pieces = ImageSearchIndex.Create(_sandbox.Index + "2", clip, new IndexOptions { BatchSize = 1 });
        await whole.AddFolderAsync(_sandbox.Pictures);
        await pieces.AddFolderAsync(_sandbox.Pictures);
        for (int i = 0; i < 12; i++)
        {
            using var expected = clip.EncodeImages([Sandbox.Image(i)]);
            foreach (var index in new[] { whole, pieces })
                // A matrix product of another size adds in another order: the last bits of float32.
                Assert.All(expected.data<float>().ToArray().Zip(index.Embeddings[$"{i}.png"]), pair =>
                    Assert.Equal(pair.First, pair.Second, 1e-6));
        }
    }

    [Fact]
    public async Task Only_the_folder_itself_when_not_recursive()
    {
        _sandbox.Picture("a.png", 1);
        _sandbox.Picture("inner/b.png", 2);
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        Assert.Equal(["a.png"], (await index.AddFolderAsync(_sandbox.Pictures, recursive: false)).Added);
        Assert.Equal(["inner/b.png"], (await index.AddFolderAsync(_sandbox.Pictures)).Added);
        Assert.Equal(["a.png"], (await index.AddFolderAsync(_sandbox.Pictures, recursive: false)).Unchanged);
        Assert.Equal(2, index.Count);
    }

    [Fact]
    public async Task A_path_outside_the_root_is_kept_absolute_however_it_is_spelled()
    {
        _sandbox.Picture("a.png", 1);
        string outside = Path.Combine(_sandbox.Folder, "outside.png"),
            neighbour = Path.Combine(_sandbox.Folder, "pictures-of-others", "c.png");
        Directory.CreateDirectory(Path.GetDirectoryName(neighbour)!);
        Sandbox.Image(2).SavePng(outside);
        Sandbox.Image(3).SavePng(neighbour);
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        await index.AddFolderAsync(_sandbox.Pictures);
        var report = await index.AddFilesAsync([Path.Combine(_sandbox.Pictures, "..", "outside.png"), outside, neighbour,
            Path.Combine(_sandbox.Pictures, "inner", "..", "a.png")]);
        Assert.Equal([outside, neighbour], report.Added);
        Assert.Equal(["a.png"], report.Unchanged);
        Assert.Equal(outside, index.Search(Sandbox.Image(2))[0].Path);
        // The folder is brought up to date; what lies elsewhere stays.
        Assert.Empty((await index.AddFolderAsync(_sandbox.Pictures)).Removed);
        File.Delete(neighbour);
        Assert.Empty((await index.AddFolderAsync(_sandbox.Pictures)).Removed);
        Assert.Equal([neighbour], (await index.AddFolderAsync(Path.GetDirectoryName(neighbour)!)).Removed);
    }

    [Fact]
    public async Task A_file_that_was_added_before_its_folder_is_the_same_file_under_the_root()
    {
        string a = _sandbox.Picture("a.png", 1), b = _sandbox.Picture("inner/b.png", 2);
        string outside = Path.Combine(_sandbox.Folder, "outside.png");
        Sandbox.Image(3).SavePng(outside);
        using var clip = Sandbox.RandomClip();
        using (var index = ImageSearchIndex.Create(_sandbox.Index, clip,
            new IndexOptions { MetadataOf = path => new Dictionary<string, string> { ["name"] = Path.GetFileName(path) } }))
        {
            Assert.Equal([outside, a, b], (await index.AddFilesAsync([a, b, outside])).Added);
            float[] vector = index.Embeddings[a];
            var report = await index.AddFolderAsync(_sandbox.Pictures);
            Assert.Equal("0 added, 0 updated, 2 unchanged, 0 removed, 0 unreadable", $"{report}");
            Assert.Equal(new[] { "a.png", "inner/b.png", outside }.ToHashSet(), index.Embeddings.Ids.ToHashSet());
            Assert.Equal(3, index.Count);
            Assert.Equal(vector, index.Embeddings["a.png"]);
            Assert.Equal((a, "a.png"), (index.Find("a.png")!.Path, index.Find("a.png")!.Metadata["name"]));
            index.Verify();
        }
        // A root that is given when the index is opened is a root as well.
        string other = _sandbox.Index + "2", c = _sandbox.Picture("c.png", 4);
        using (var index = ImageSearchIndex.Create(other, clip))
        {
            index.Add("c.png", Sandbox.Image(5));
            await index.AddFilesAsync([a, b, c]);
        }
        using (var index = ImageSearchIndex.Open(other, clip, new IndexOptions { Root = _sandbox.Pictures }))
        {
            Assert.Equal(["a.png"], (await index.AddFilesAsync([a])).Unchanged);
            // An image from memory has the name that the third file would have.
            Assert.Equal(["c.png", c, "a.png", "inner/b.png"], index.Embeddings.Ids);
        }
    }

    /// <summary>An earlier library let one file come into an index under two names.</summary>
    [Fact]
    public async Task A_file_that_is_twice_in_an_index_is_once_in_what_takes_it_over_and_after_the_next_change()
    {
        string a = _sandbox.Picture("a.png", 1), twice = Path.Combine(_sandbox.Folder, "twice");
        using var clip = Sandbox.RandomClip();
        using (var index = ImageSearchIndex.Create(twice, clip))
        {
            await index.AddFilesAsync([a]);
            float[] vector = index.Embeddings[a];
            var file = index.Read(snapshot => snapshot.Entry(0));
            index.Load([(vector, file with { Id = "a.png" })], default);
        }
        // The root's record is put there as the earlier library did, without a look at the names.
        using (var index = ImageSearchIndex.Open(twice))
        {
            var snapshot = index.Hold();
            using (var writer = IndexWriter.Open(twice, snapshot, out var newest))
            {
                writer.Commit(newest, JournalRecord.OfRoot(_sandbox.Pictures));
                newest.Dispose();
            }
            snapshot.Release();
        }
        using (var from = ImageSearchIndex.Open(twice))
        {
            Assert.Equal([a, "a.png"], from.Embeddings.Ids);
            using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
            Assert.Equal(1, index.AddFrom(from));
            Assert.Equal(["a.png"], index.Embeddings.Ids);
            Assert.Equal("a.png", Assert.Single(index.Search(Sandbox.Image(1))).Id);
        }
        string merged = Path.Combine(_sandbox.Folder, "merged");
        Assert.Equal(1, ShardedIndex.Merge([twice], merged));
        using var mended = ImageSearchIndex.Open(twice, clip);
        Assert.Equal("0 added, 0 updated, 1 unchanged, 0 removed, 0 unreadable", $"{await mended.AddFolderAsync(_sandbox.Pictures)}");
        Assert.Equal(["a.png"], mended.Embeddings.Ids);
    }

    [Fact]
    public async Task Pictures_that_moved_are_found_under_their_new_root()
    {
        _sandbox.Picture("a.png", 1);
        using var clip = Sandbox.RandomClip();
        using (var index = ImageSearchIndex.Create(_sandbox.Index, clip)) await index.AddFolderAsync(_sandbox.Pictures);
        string moved = Path.Combine(_sandbox.Folder, "moved");
        Directory.Move(_sandbox.Pictures, moved);
        using (var index = ImageSearchIndex.Open(_sandbox.Index, clip, new IndexOptions { Root = moved }))
        {
            Assert.Equal(Path.Combine(moved, "a.png"), index.Search(Sandbox.Image(1))[0].Path);
            Assert.Equal(["a.png"], (await index.AddFolderAsync(moved)).Unchanged);
        }
        using var reopened = ImageSearchIndex.Open(_sandbox.Index);
        Assert.Equal(moved, reopened.Root);
    }

    [Fact]
    public async Task Links_to_images_are_followed_and_links_to_folders_are_not()
    {
        string outside = Directory.CreateDirectory(Path.Combine(_sandbox.Folder, "outside")).FullName;
        Sandbox.Image(1).SavePng(Path.Combine(outside, "secret.png"));
        _sandbox.Picture("a.png", 2);
        Directory.CreateSymbolicLink(Path.Combine(_sandbox.Pictures, "out"), outside);
        Directory.CreateSymbolicLink(Path.Combine(_sandbox.Pictures, "loop"), _sandbox.Pictures);
        File.CreateSymbolicLink(Path.Combine(_sandbox.Pictures, "link.png"), Path.Combine(outside, "secret.png"));
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        Assert.Equal(["a.png", "link.png"], (await index.AddFolderAsync(_sandbox.Pictures)).Added);
    }

    [Fact]
    public async Task Names_of_every_kind_are_kept_as_they_are()
    {
        string[] names = ["<img src=x onerror=alert(1)>.png", "a b & c 'd' \"e\".png", "日本語/사진.png", "a..png", "new\nline.png", "…/ｘ.PNG"];
        for (int i = 0; i < names.Length; i++) _sandbox.Picture(names[i], i);
        using var clip = Sandbox.RandomClip();
        using (var index = ImageSearchIndex.Create(_sandbox.Index, clip)) Assert.Equal(
            names.Order(StringComparer.Ordinal), (await index.AddFolderAsync(_sandbox.Pictures)).Added);
        using var reopened = ImageSearchIndex.Open(_sandbox.Index, clip);
        for (int i = 0; i < names.Length; i++)
        {
            var best = reopened.Search(Sandbox.Image(i))[0];
            Assert.Equal((names[i], Path.Combine(_sandbox.Pictures, names[i])), (best.Id, best.Path));
        }
    }

    [Fact]
    public async Task What_cannot_be_read_is_reported_with_its_reason()
    {
        string good = _sandbox.Picture("good.png", 1), empty = Path.Combine(_sandbox.Pictures, "empty.png"),
            text = Path.Combine(_sandbox.Pictures, "text.jpg"), absent = Path.Combine(_sandbox.Pictures, "absent.png");
        string cut = Path.Combine(_sandbox.Pictures, "cut.png"), big = _sandbox.Picture("big.png", 2);
        await File.WriteAllBytesAsync(empty, []);
        await File.WriteAllTextAsync(text, "<html></html>");
        await File.WriteAllBytesAsync(cut, (await File.ReadAllBytesAsync(good))[..500]);
        await File.AppendAllTextAsync(big, new string(' ', 5000));
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip, new IndexOptions { MaxFileBytes = 4000 });
        var report = await index.AddFilesAsync([good, empty, text, absent, cut, big, _sandbox.Pictures]);
        Assert.Equal([good], report.Added);
        Assert.Equal([_sandbox.Pictures, absent, big, cut, empty, text], report.Unreadable.Select(file => file.Path));
        string[] reasons =
            ["is a folder", "There is no image file", "bytes, more than the", "is damaged", "is empty", "is not an image that can be read"];
        foreach (var (file, reason) in report.Unreadable.Zip(reasons)) Assert.Contains(reason, file.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_decompression_bomb_is_refused_by_its_header()
    {
        byte[] png = Sandbox.Image(1).ToPng();
        // IHDR with 60,000 x 60,000 pixels, and its checksum.
        new byte[] { 0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60 }.CopyTo(png, 16);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc32(png.AsSpan(12, 17)));
        string bomb = Path.Combine(_sandbox.Pictures, "bomb.png");
        await File.WriteAllBytesAsync(bomb, png);
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        var report = await index.AddFolderAsync(_sandbox.Pictures);
        Assert.Contains("60000 x 60000", Assert.Single(report.Unreadable).Reason, StringComparison.Ordinal);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 20_000_000); // the image would have 14.4 GB

        using var strict = ImageSearchIndex.Create(_sandbox.Index + "2", clip, new IndexOptions { MaxPixels = 20 * 16 - 1 });
        _sandbox.Picture("small.png", 1);
        Assert.Equal(2, (await strict.AddFolderAsync(_sandbox.Pictures)).Unreadable.Count);
    }

    [Fact]
    public async Task A_folder_that_is_not_there_removes_nothing()
    {
        _sandbox.Picture("a.png", 1);
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        await index.AddFolderAsync(_sandbox.Pictures);
        Directory.Delete(_sandbox.Pictures, recursive: true);
        await Assert.ThrowsAsync<DirectoryNotFoundException>(() => index.AddFolderAsync(_sandbox.Pictures));
        Assert.Equal(1, index.Count);
    }

    [Fact]
    public async Task Progress_ends_at_the_total_and_cancellation_keeps_what_is_committed()
    {
        for (int i = 0; i < 40; i++) _sandbox.Picture($"{i}.png", i);
        await File.WriteAllTextAsync(Path.Combine(_sandbox.Pictures, "x.png"), "no image");
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip, new IndexOptions { BatchSize = 8 });
        using var stop = new CancellationTokenSource();
        var seen = new List<IndexProgress>();
        var watch = new Relay(progress =>
        {
            seen.Add(progress);
            if (progress.Encoded >= 16) stop.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => index.AddFolderAsync(_sandbox.Pictures, progress: watch, cancellationToken: stop.Token));
        Assert.Equal(16, index.Count);
        seen.Clear();
        var report = await index.AddFolderAsync(_sandbox.Pictures, progress: new Relay(seen.Add));
        Assert.Equal("24 added, 0 updated, 16 unchanged, 0 removed, 1 unreadable", $"{report}");
        Assert.Equal(new IndexProgress(41, 41, 24, 1), seen[^1]);
        Assert.Equal(seen.OrderBy(progress => progress.Done), seen);
    }

    [Fact]
    public async Task Metadata_of_files_comes_from_the_options()
    {
        _sandbox.Picture("a.png", 1);
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip,
            new IndexOptions { MetadataOf = path => new Dictionary<string, string> { ["name"] = Path.GetFileName(path) } });
        await index.AddFolderAsync(_sandbox.Pictures);
        Assert.Equal("a.png", index.Search("x")[0].Metadata["name"]);
    }

    [Fact]
    public async Task Shards_are_merged_and_their_files_stay_known()
    {
        for (int i = 0; i < 6; i++) _sandbox.Picture($"{i}.png", i);
        string[] files = Directory.GetFiles(_sandbox.Pictures);
        using var clip = Sandbox.RandomClip();
        for (int shard = 0; shard < 2; shard++)
        {
            // One shard knows the root, the other keeps its paths absolute: both come to the same names.
            using var part = ImageSearchIndex.Create($"{_sandbox.Index}-{shard}", clip,
                new IndexOptions { Root = shard == 0 ? _sandbox.Pictures : null });
            await part.AddFilesAsync(files.Where((_, i) => i % 2 == shard));
        }
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        for (int shard = 0; shard < 2; shard++)
        {
            using var part = ImageSearchIndex.Open($"{_sandbox.Index}-{shard}");
            Assert.Equal(3, index.AddFrom(part));
        }
        Assert.Equal(["0.png", "1.png", "2.png", "3.png", "4.png", "5.png"], index.Embeddings.Ids.Order(StringComparer.Ordinal));
        Assert.Equal(6, (await index.AddFolderAsync(_sandbox.Pictures)).Unchanged.Count);
        Assert.Equal("3.png", index.Search(Sandbox.Image(3))[0].Id);

        using var other = Sandbox.RandomClip(seed: 2);
        using var foreign = ImageSearchIndex.Create(_sandbox.Index + "-x", other);
        Assert.Contains("another model", Assert.Throws<ArgumentException>(() => index.AddFrom(foreign)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stream_is_decoded_and_kept_under_its_name()
    {
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        using var png = new MemoryStream(Sandbox.Image(1).ToPng());
        index.Add("from a stream", png);
        Assert.Null(index.Search(Sandbox.Image(1))[0].Path);
        using var text = new MemoryStream("no image"u8.ToArray());
        Assert.Contains("nonsense is not an image", Assert.Throws<InvalidDataException>(() => index.Add("nonsense", text)).Message,
            StringComparison.Ordinal);
        Assert.Equal(1, index.Count);
    }

    [Fact]
    public void What_is_wrong_with_embeddings_is_named()
    {
        using var index = _sandbox.OfVectors(2);
        Assert.Contains("3 were given", Assert.Throws<ArgumentException>(() => index.AddEmbeddings(["a", "b"], [1, 0, 1])).Message,
            StringComparison.Ordinal);
        Assert.Contains("\"a\" is given 2 times", Assert.Throws<ArgumentException>(
            () => index.AddEmbeddings(["a", "a"], [1, 0, 1, 0])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => index.AddEmbeddings([""], [1, 0]));
        Assert.Throws<ArgumentException>(() => index.AddEmbeddings(["a"], [float.NaN, 0]));
        Assert.Throws<ArgumentException>(() => index.AddEmbeddings(["a"], [0, 0]));
        Assert.Equal(0, index.Count);
    }

    [Fact]
    public async Task No_tensor_is_left_behind()
    {
        for (int i = 0; i < 10; i++) _sandbox.Picture($"{i}.png", i);
        using var clip = Sandbox.RandomClip();
        // What earlier tests left to the collector is not counted here.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = TorchSharp.torch.Tensor.TotalCount;
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip, new IndexOptions { BatchSize = 4 });
        await index.AddFolderAsync(_sandbox.Pictures);
        index.Add("x", Sandbox.Image(99));
        index.Search("a cat");
        index.Search(new SearchQuery().Plus(Sandbox.Image(1)).Minus("dog"));
        Assert.Equal(before, TorchSharp.torch.Tensor.TotalCount);
    }

    /// <summary>The first batch is held up; meanwhile as many files are read as have room, and no more.</summary>
    [Fact]
    public async Task Files_are_read_while_a_batch_is_encoded_and_wait_in_a_bounded_queue()
    {
        for (int i = 0; i < 60; i++) _sandbox.Picture($"{i}.png", i);
        var decoder = new CountingDecoder();
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip,
            new IndexOptions { BatchSize = 4, ReadingThreads = 2, Decoder = decoder });
        int meanwhile = 0;
        await index.AddFolderAsync(_sandbox.Pictures, progress: new Relay(progress =>
        {
            if (progress.Encoded > 4) return;
            // The batch itself, and two batches ahead.
            SpinWait.SpinUntil(() => decoder.Count >= 4 + 8, TimeSpan.FromSeconds(20));
            Thread.Sleep(100);
            meanwhile = decoder.Count;
        }));
        Assert.Equal(4 + 8, meanwhile);
        Assert.Equal(60, index.Count);
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~0u;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xedb88320 & (0u - (crc & 1)));
        }
        return ~crc;
    }

    private sealed class CountingDecoder : IImageDecoder
    {
        private int _count;

        internal int Count => _count;

        public RasterImage Decode(ReadOnlyMemory<byte> encoded, string name, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _count);
            return SkiaImageDecoder.Shared.Decode(encoded, name, cancellationToken);
        }
    }

    private sealed class Relay(Action<IndexProgress> told) : IProgress<IndexProgress>
    {
        public void Report(IndexProgress value) => told(value);
    }
}
