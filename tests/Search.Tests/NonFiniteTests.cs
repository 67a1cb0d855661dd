using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Generators;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Search.Sharding;
using ClipNotebooks.Search.Storage;
using Microsoft.Extensions.AI;
using static TorchSharp.torch;

namespace ClipNotebooks.Search.Tests;

/// <summary>What is no number comes into no index, and out of none.</summary>
public sealed class NonFiniteTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    private static ClipEncoder Damaged(string weight)
    {
        var clip = Sandbox.RandomClip();
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        clip.Model.state_dict()[weight].fill_(float.NaN);
        return clip;
    }

    [Fact]
    public async Task A_damaged_model_writes_nothing_and_names_the_image()
    {
        string picture = _sandbox.Picture("a.png", 1);
        using var clip = Damaged("visual.proj");
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        var error = await Assert.ThrowsAsync<NonFiniteException>(() => index.AddFolderAsync(_sandbox.Pictures));
        Assert.Contains($"gives NaN for {picture}: its weight visual.proj", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<NonFiniteException>(() => index.Add("memory", Sandbox.Image(1)));
        Assert.Contains("for memory: ", error.Message, StringComparison.Ordinal);
        Assert.Throws<NonFiniteException>(() => index.Search(Sandbox.Image(1)));
        Assert.Equal(0, index.Count);
        Assert.Equal(64, new FileInfo(Path.Combine(_sandbox.Index, "vectors.bin")).Length);
        string shard = Path.Combine(_sandbox.Folder, "shard");
        await Assert.ThrowsAsync<NonFiniteException>(() => ShardedIndex.EmbedAsync(_sandbox.Pictures, shard, new Shard(1, 1), clip));
    }

    [Fact]
    public async Task Generators_name_what_they_were_given()
    {
        using var text = new ClipTextEmbeddingGenerator(Damaged("text_projection"), ownsEncoder: true);
        var error = await Assert.ThrowsAsync<NonFiniteException>(() => text.GenerateAsync(["a cat"]));
        Assert.Contains("for the caption \"a cat\"", error.Message, StringComparison.Ordinal);
        using var image = new ClipImageEmbeddingGenerator(Damaged("visual.proj"), ownsEncoder: true);
        DataContent[] contents = [new(Sandbox.Image(1).ToPng(), "image/png") { Name = "cat.png" }];
        error = await Assert.ThrowsAsync<NonFiniteException>(() => image.GenerateAsync(contents));
        Assert.Contains("for cat.png", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Embeddings_and_queries_that_are_no_numbers_are_refused(float value)
    {
        using var index = _sandbox.OfVectors(4);
        index.AddEmbeddings(["a"], [1, 0, 0, 0]);
        Assert.Throws<ArgumentException>(() => index.AddEmbeddings(["b"], [1, value, 0, 0]));
        Assert.Throws<ArgumentException>(() => index.Search([1, value, 0, 0]));
        var large = new SearchQuery().Plus([1, 0, 0, 0], double.MaxValue);
        Assert.Throws<ArgumentException>(() => index.Search(large.Plus([1, 0, 0, 0], double.MaxValue)));
        Assert.Equal(1, index.Count);
    }

    /// <summary>An earlier library wrote what a model gave, whatever that was.</summary>
    [Theory]
    [InlineData(float.NaN, VectorStorage.Float32)]
    [InlineData(float.NegativeInfinity, VectorStorage.Float32)]
    [InlineData(float.NaN, VectorStorage.Float16)]
    [InlineData(float.PositiveInfinity, VectorStorage.Float16)]
    [InlineData(float.NegativeInfinity, VectorStorage.Float16)]
    public void A_stored_vector_that_is_no_number_is_named_rather_than_ranked_or_never_found(float value, VectorStorage storage)
    {
        using (var index = _sandbox.OfVectors(4, storage)) index.AddEmbeddings(["a", "b"], [1, 0, 0, 0, 0, 1, 0, 0]);
        string vectors = Path.Combine(_sandbox.Index, "vectors.bin");
        byte[] bytes = File.ReadAllBytes(vectors);
        if (storage == VectorStorage.Float32) BitConverter.GetBytes(value).CopyTo(bytes, 64 + 16);
        else BitConverter.GetBytes((Half)value).CopyTo(bytes, 64 + 8);
        File.WriteAllBytes(vectors, bytes);
        using var reopened = ImageSearchIndex.Open(_sandbox.Index);
        var error = Assert.Throws<InvalidDataException>(() => reopened.Search([1, 1, 0, 0]));
        Assert.Contains("The vector of \"b\" is not finite", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<InvalidDataException>(() => reopened.Duplicates());
        Assert.Contains("The vector of \"b\" is not finite", error.Message, StringComparison.Ordinal);
        using var other = ImageSearchIndex.Create(_sandbox.Index + "2", 4, "no model", "no model", null, new IndexOptions());
        error = Assert.Throws<InvalidDataException>(() => other.AddFrom(reopened));
        Assert.Contains("The vector of \"b\" is not finite", error.Message, StringComparison.Ordinal);
        reopened.Remove("b");
        Assert.Equal("a", Assert.Single(reopened.Search([1, 1, 0, 0])).Id);
    }
}
