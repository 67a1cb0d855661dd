using System.Collections;
using ClipNotebooks.Search.Records;
using ClipNotebooks.Search.Storage;
using Microsoft.Extensions.VectorData;

namespace ClipNotebooks.Search.Tests.Records;

/// <summary>Records in a folder.</summary>
public sealed class FolderRecordTests : RecordTests
{
    private readonly Sandbox _sandbox = new();

    public override void Dispose() => _sandbox.Dispose();

    private protected override ImageStore Empty(int width) => _sandbox.OfVectors(width);

    private protected override bool IsThere() => ImageSearchIndex.Exists(_sandbox.Index) || Directory.Exists(_sandbox.Index);

    /// <summary>A picture on disk, with the vector's width of the test's model.</summary>
    private sealed class Picture
    {
        [VectorStoreKey]
        public string Name { get; init; } = "";

        [VectorStoreData]
        public int Number { get; init; }

        [VectorStoreVector(24)]
        public float[]? Vector { get; init; }
    }

    [Fact]
    public async Task Files_are_records_with_what_was_stored_of_them_and_are_found_by_words_and_pictures()
    {
        var stop = TestContext.Current.CancellationToken;
        for (int i = 0; i < 6; i++) _sandbox.Picture($"{i}.png", i);
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip, new IndexOptions
        {
            MetadataOf = path => new Dictionary<string, string> { ["Number"] = Path.GetFileNameWithoutExtension(path) },
        });
        await index.AddFolderAsync(_sandbox.Pictures, cancellationToken: stop);
        var pictures = new ImageRecords<Picture>(index);
        var found = await pictures.SearchAsync(Sandbox.Image(4), 1, new() { IncludeVectors = true }, stop).SingleAsync(stop);
        Assert.Equal(("4.png", 4), (found.Record.Name, found.Record.Number));
        Assert.Equal(index.Embeddings["4.png"], found.Record.Vector);
        Assert.Equal(index.Search("a cat").Select(result => result.Id).Where(id => string.CompareOrdinal(id, "2") > 0), await pictures
            .SearchAsync("a cat", 10, new() { Filter = picture => picture.Number > 1 }, stop).Select(result => result.Record.Name)
            .ToListAsync(stop));
        // A float32 index searched by a sum, as the store itself is.
        var query = new SearchQuery().Plus(Sandbox.Image(1)).Minus("a dog", 0.5);
        Assert.Equal(index.Search(query)[0].Id, (await pictures.SearchAsync(query, 1, null, stop).SingleAsync(stop)).Record.Name);
    }

    /// <summary>In 32 bits the first product is negative, and the second 0.</summary>
    [Theory]
    [InlineData(1 << 29)]
    [InlineData(1 << 30)]
    public async Task More_numbers_than_an_array_holds_are_refused_before_a_row_is_read(int count)
    {
        using var store = _sandbox.OfVectors(4);
        Assert.Contains("Give them in parts", (await Assert.ThrowsAsync<ArgumentException>(
            () => store.UpsertAsync(new Many(count), TestContext.Current.CancellationToken))).Message, StringComparison.Ordinal);
    }

    /// <summary>Rows that are counted and cannot be read.</summary>
    private sealed class Many(int count) : IReadOnlyList<(StoredEntry, float[])>
    {
        public int Count => count;

        public (StoredEntry, float[]) this[int index] => throw new NotSupportedException();

        public IEnumerator<(StoredEntry, float[])> GetEnumerator() => throw new NotSupportedException();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private sealed class Wide
    {
        [VectorStoreKey]
        public string Id { get; set; } = "";

        [VectorStoreVector(5)]
        public float[] Vector { get; set; } = [];
    }

    private sealed class Numbered
    {
        [VectorStoreKey]
        public int Id { get; set; }

        [VectorStoreVector(4)]
        public float[] Vector { get; set; } = [];
    }

    private sealed class Far
    {
        [VectorStoreKey]
        public string Id { get; set; } = "";

        [VectorStoreVector(4, DistanceFunction = DistanceFunction.EuclideanDistance)]
        public float[] Vector { get; set; } = [];
    }

    private sealed class Odd
    {
        [VectorStoreKey]
        public string Id { get; set; } = "";

        [VectorStoreData]
        public Uri? Place { get; set; }

        [VectorStoreVector(4)]
        public float[] Vector { get; set; } = [];
    }

    private sealed class Bare
    {
        [VectorStoreKey]
        public string Id { get; set; } = "";
    }

    [Fact]
    public void A_record_that_cannot_be_kept_is_refused_by_its_property()
    {
        using var store = _sandbox.OfVectors(4);
        Assert.Contains("Vector of Wide has 5 dimensions; the store's have 4",
            Assert.Throws<ArgumentException>(() => new ImageRecords<Wide>(store)).Message, StringComparison.Ordinal);
        Assert.Contains("The key Id of Numbered is a Int32",
            Assert.Throws<NotSupportedException>(() => new ImageRecords<Numbered>(store)).Message, StringComparison.Ordinal);
        Assert.Contains("Vector of Far asks for EuclideanDistance",
            Assert.Throws<NotSupportedException>(() => new ImageRecords<Far>(store)).Message, StringComparison.Ordinal);
        Assert.Contains("The property Place of Odd is a Uri",
            Assert.Throws<NotSupportedException>(() => new ImageRecords<Odd>(store)).Message, StringComparison.Ordinal);
        Assert.Contains("Bare has 0 properties with [VectorStoreVector]: one vector is needed",
            Assert.Throws<ArgumentException>(() => new ImageRecords<Bare>(store)).Message, StringComparison.Ordinal);
    }
}
