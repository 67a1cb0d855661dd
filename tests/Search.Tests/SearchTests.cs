using System.Globalization;
using ClipNotebooks.Clip.Export;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Onnx;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search.Tests;

/// <summary>What is found, and in which order.</summary>
public sealed class SearchTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [InlineData(VectorStorage.Float32, 64)]
    [InlineData(VectorStorage.Float16, 64)]
    [InlineData(VectorStorage.Float32, 7)]
    [InlineData(VectorStorage.Float16, 45)]
    [InlineData(VectorStorage.Float16, 31)]
    public void The_best_rows_are_those_of_the_plain_definition(VectorStorage storage, int width)
    {
        const int rows = 9000; // more than two blocks
        var vectors = Sandbox.Vectors(rows, width);
        using var index = _sandbox.OfVectors(width, storage);
        index.AddEmbeddings([.. Enumerable.Range(0, rows).Select(i => $"{i}")], vectors);
        for (int trial = 0; trial < 20; trial++)
        {
            var query = Sandbox.Vectors(1, width, seed: 100 + trial);
            var expected = Enumerable.Range(0, rows).Select(
                row => (Row: row, Score: Enumerable.Range(0, width).Sum(i => (double)query[i] * Stored(vectors[row * width + i]))))
                .OrderByDescending(pair => pair.Score).Take(25).ToList();
            var found = index.Search(query, new SearchOptions { Top = 25 });
            Assert.Equal(expected.Select(pair => $"{pair.Row}"), found.Select(result => result.Id));
            // Sums of at most 64 products in another order: some units in the last place of 1.
            Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 1e-6));
        }

        double Stored(float value) => storage == VectorStorage.Float16 ? (double)(Half)value : value;
    }

    [Theory]
    [InlineData(1, VectorStorage.Float32)]
    [InlineData(2, VectorStorage.Float32)]
    [InlineData(3, VectorStorage.Float16)]
    [InlineData(4095, VectorStorage.Float32)]
    [InlineData(4097, VectorStorage.Float16)]
    [InlineData(8195, VectorStorage.Float32)]
    public void Every_row_is_found_once_with_its_own_score_whatever_their_number(int rows, VectorStorage storage)
    {
        const int width = 19; // vectors of 16 and of 8 numbers, and what is left
        var vectors = Sandbox.Vectors(rows, width);
        using var index = _sandbox.OfVectors(width, storage);
        index.AddEmbeddings([.. Enumerable.Range(0, rows).Select(i => $"{i}")], vectors);
        var query = Sandbox.Vectors(1, width, seed: 7);
        var found = index.Search(query, new SearchOptions { Top = rows, MinScore = -1 });
        Assert.Equal(rows, found.Select(result => result.Id).Distinct().Count());
        Assert.All(found, result =>
        {
            int row = int.Parse(result.Id, CultureInfo.InvariantCulture);
            double score = Enumerable.Range(0, width).Sum(i => (double)query[i] * vectors[row * width + i]);
            Assert.Equal(score, result.Score, storage == VectorStorage.Float16 ? 1e-3 : 1e-6);
        });
    }

    [Fact]
    public void No_score_of_float16_rows_is_beyond_a_cosine()
    {
        const int rows = 200, width = 64;
        var vectors = Sandbox.Vectors(rows, width);
        using var index = _sandbox.OfVectors(width, VectorStorage.Float16);
        index.AddEmbeddings([.. Enumerable.Range(0, rows).Select(i => $"{i}")], vectors);
        for (int row = 0; row < rows; row++)
        {
            float[] query = vectors[(row * width)..((row + 1) * width)];
            var best = index.Search(query, new SearchOptions { Top = 1 })[0];
            Assert.Equal($"{row}", best.Id);
            Assert.InRange(best.Score, 0.999f, 1f);
            // A least score of -1 leaves nothing out, not even the exact opposite, whose sum may be a little below it.
            var all = index.Search([.. query.Select(value => -value)], new SearchOptions { Top = rows, MinScore = -1 });
            Assert.Equal(rows, all.Count);
            Assert.InRange(all[^1].Score, -1f, -0.999f);
        }
    }

    [Fact]
    public void Float16_keeps_subnormals_and_signs()
    {
        float[] row = [.. Enumerable.Range(0, 40).Select(i => MathF.ScaleB(i % 2 == 0 ? 1 : -1, -(i % 25))).Select(value => value / 1.7f)];
        float length = MathF.Sqrt(row.Sum(value => value * value));
        using var index = _sandbox.OfVectors(row.Length, VectorStorage.Float16);
        index.AddEmbeddings(["a"], row);
        for (int i = 0; i < row.Length; i++)
        {
            var axis = new float[row.Length];
            axis[i] = 1;
            Assert.Equal((float)(Half)(row[i] / length), index.Search(axis)[0].Score);
        }
    }

    [Fact]
    public void Pages_follow_each_other_without_gap_or_repetition()
    {
        using var index = _sandbox.OfVectors(16);
        index.AddEmbeddings([.. Enumerable.Range(0, 500).Select(i => $"{i}")], Sandbox.Vectors(500, 16));
        var query = Sandbox.Vectors(1, 16, 7);
        var all = index.Search(query, new SearchOptions { Top = int.MaxValue, Skip = 0 }).Select(result => result.Id).ToList();
        var pages = Enumerable.Range(0, 6).SelectMany(page => index.Search(query, new SearchOptions { Top = 100, Skip = 100 * page }))
            .Select(result => result.Id).ToList();
        Assert.Equal(500, all.Count);
        Assert.Equal(all, pages);
    }

    [Fact]
    public void A_threshold_cuts_the_tail_off()
    {
        using var index = _sandbox.OfVectors(2);
        index.AddEmbeddings(["same", "near", "far", "against"], [1, 0, 0.8f, 0.6f, 0, 1, -1, 0]);
        Assert.Equal(["same", "near"], index.Search([1, 0], new SearchOptions { MinScore = 0.5 }).Select(result => result.Id));
    }

    [Fact]
    public void A_filter_sees_path_and_metadata_and_leaves_the_rest_in_order()
    {
        using var index = _sandbox.OfVectors(8);
        index.AddEmbeddings([.. Enumerable.Range(0, 300).Select(i => $"{i % 3}/{i}")], Sandbox.Vectors(300, 8),
            [.. Enumerable.Range(0, 300).Select(i => new Dictionary<string, string> { ["year"] = $"{2000 + i % 10}" })]);
        var query = Sandbox.Vectors(1, 8, 3);
        bool Wanted(string id, IReadOnlyDictionary<string, string> metadata) => id.StartsWith("1/", StringComparison.Ordinal)
            && metadata["year"] == "2004";
        var expected = index.Search(query, new SearchOptions { Top = 300 }).Where(result => Wanted(result.Id, result.Metadata))
            .Select(result => result.Id);
        Assert.Equal(expected, index.Search(query, new SearchOptions { Filter = entry => Wanted(entry.Id, entry.Metadata) })
            .Select(result => result.Id));
    }

    [Fact]
    public void Several_threads_find_what_one_finds_and_a_filter_s_exception_is_its_own()
    {
        const int rows = 140_000, width = 16; // more values than one thread takes
        using var index = _sandbox.OfVectors(width);
        var vectors = Sandbox.Vectors(rows, width);
        index.AddEmbeddings([.. Enumerable.Range(0, rows).Select(i => $"{i}")], vectors);
        var query = Sandbox.Vectors(1, width, 3);
        var expected = Enumerable.Range(0, rows).OrderByDescending(
            row => Enumerable.Range(0, width).Sum(i => (double)query[i] * vectors[row * width + i])).Take(20).Select(row => $"{row}");
        Assert.Equal(expected, index.Search(query, new SearchOptions { Top = 20 }).Select(result => result.Id));
        Assert.Throws<FormatException>(() => index.Search(query, new SearchOptions { Filter = _ => throw new FormatException() }));
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => index.Search(query, cancellationToken: stop.Token));
    }

    [Fact]
    public void Equal_scores_come_in_the_order_of_adding()
    {
        using var index = _sandbox.OfVectors(2);
        index.AddEmbeddings([.. "gfedcba".Select(c => $"{c}")], [.. Enumerable.Repeat(new float[] { 0, 1 }, 7).SelectMany(row => row)]);
        Assert.Equal(["g", "f", "e"], index.Search([0, 1], new SearchOptions { Top = 3 }).Select(result => result.Id));
    }

    [Fact]
    public void A_query_of_several_terms_is_their_weighted_sum_of_unit_vectors()
    {
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        var image = Sandbox.Image(5);
        var given = Sandbox.Vectors(1, 24, 9);
        var query = new SearchQuery().Plus("a sunset", 0.5).Plus(image).Minus("people", 0.3)
            .Minus(given.Select(value => 4 * value).ToArray(), 0.2);

        using var texts = clip.EncodeTexts(["a sunset", "people"]);
        using var images = clip.EncodeImages([image]);
        var (t, v) = (texts.data<float>().ToArray(), images.data<float>().ToArray());
        var sum = Enumerable.Range(0, 24).Select(i => 0.5 * t[i] + v[i] - 0.3 * t[24 + i] - 0.2 * given[i]).ToArray();
        double length = Math.Sqrt(sum.Sum(value => value * value));
        // A caption encoded alone and one of two differ in the last bits of float32.
        Assert.All(index.Embed(query).Zip(sum), pair => Assert.Equal(pair.Second / length, pair.First, 1e-5));
    }

    [Fact]
    public void Terms_that_cancel_out_are_refused()
    {
        using var index = _sandbox.OfVectors(2);
        Assert.Contains("cancel", Assert.Throws<ArgumentException>(
            () => index.Search(new SearchQuery().Plus([1f, 0]).Minus([2f, 0]))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => index.Search(new SearchQuery()));
        Assert.Contains("3 values", Assert.Throws<ArgumentException>(() => index.Search([1f, 0, 0])).Message, StringComparison.Ordinal);
        Assert.Contains("points nowhere", Assert.Throws<ArgumentException>(() => index.Search([0f, 0])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_index_finds_nothing()
    {
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        Assert.Empty(index.Search("a sunset"));
        Assert.Empty(index.Duplicates());
        Assert.Equal(0, index.Count);
    }

    [Fact]
    public void An_image_finds_itself_first()
    {
        using var clip = Sandbox.RandomClip();
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        index.AddRange(Enumerable.Range(0, 100).Select(i => new IndexImage($"{i}", Sandbox.Image(i))));
        for (int i = 0; i < 100; i += 9)
        {
            var best = index.Search(Sandbox.Image(i))[0];
            Assert.Equal($"{i}", best.Id);
            Assert.Equal(1, best.Score, 1e-5); // the same image in another batch: the last bits of float32
        }
    }

    [Fact]
    public void The_sample_pictures_are_found_by_their_captions()
    {
        using var clip = ClipEncoder.FromPretrained(Sandbox.TinyClip);
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip);
        string pictures = Path.Combine(Sandbox.RepositoryRoot, "data", "images");
        foreach (string name in new[] { "sunset-over-the-ocean", "cat", "pizza", "snowy-mountain", "sailboat", "castle" })
            index.Add(name, RasterImage.Load(Path.Combine(pictures, name + ".png")),
                new Dictionary<string, string> { ["file"] = name + ".png" });
        Assert.Equal("sunset-over-the-ocean", index.Search("a sunset over the ocean")[0].Id);
        Assert.Equal("pizza", index.Search("a pizza")[0].Id);
        Assert.Equal("cat.png", index.Search("a cat")[0].Metadata["file"]);
    }

    [Theory]
    [InlineData(VectorStorage.Float32)]
    [InlineData(VectorStorage.Float16)]
    public void Duplicates_are_grouped(VectorStorage storage)
    {
        using var index = _sandbox.OfVectors(24, storage);
        var vectors = Sandbox.Vectors(50, 24);
        vectors.AsSpan(3 * 24, 24).CopyTo(vectors.AsSpan(40 * 24));
        vectors.AsSpan(3 * 24, 24).CopyTo(vectors.AsSpan(20 * 24));
        vectors.AsSpan(7 * 24, 24).CopyTo(vectors.AsSpan(8 * 24));
        index.AddEmbeddings([.. Enumerable.Range(0, 50).Select(i => $"{i}")], vectors);
        Assert.Equal(["3 20 40", "7 8"], index.Duplicates(1).Select(group => string.Join(' ', group.Select(entry => entry.Id))));
        index.Remove("20");
        Assert.Equal(["3 40", "7 8"], index.Duplicates(1).Select(group => string.Join(' ', group.Select(entry => entry.Id))));
    }

    /// <summary>The length of a row that was rounded to float16 is not exactly 1, and its product with itself is not either.</summary>
    [Fact]
    public void Every_pair_of_equal_float16_rows_is_found()
    {
        const int pairs = 100, width = 64;
        using var index = _sandbox.OfVectors(width, VectorStorage.Float16);
        var vectors = Sandbox.Vectors(pairs, width);
        index.AddEmbeddings([.. Enumerable.Range(0, 2 * pairs).Select(i => $"{i}")], [.. vectors, .. vectors]);
        Assert.Equal(pairs, index.Duplicates(1).Count);
    }

    [Fact]
    public void Embeddings_can_be_read_as_a_matrix()
    {
        using var index = _sandbox.OfVectors(24);
        var vectors = Sandbox.Vectors(30, 24);
        index.AddEmbeddings([.. Enumerable.Range(0, 30).Select(i => $"{i}")], vectors);
        index.Remove("0");
        float[] matrix = index.Embeddings.ToArray();
        Assert.Equal(29 * 24, matrix.Length);
        Assert.Equal("1", index.Embeddings.Ids[0]);
        // AddEmbeddings makes unit vectors of what are nearly unit vectors.
        Assert.All(matrix.Zip(vectors.Skip(24)), pair => Assert.Equal(pair.Second, pair.First, 1e-6));
        Assert.Equal(index.Embeddings["5"], index.Embeddings.All().Single(pair => pair.Entry.Id == "5").Embedding);
        Assert.Throws<KeyNotFoundException>(() => index.Embeddings["0"]);
    }

    [Fact]
    public async Task What_a_model_on_libtorch_has_indexed_is_searched_by_its_export_on_ONNX_Runtime()
    {
        string model = Path.Combine(_sandbox.Folder, "onnx"), pictures = Path.Combine(Sandbox.RepositoryRoot, "data", "images");
        OnnxExport.Write(Sandbox.TinyClip, model);
        using var torch = ClipEncoder.FromPretrained(Sandbox.TinyClip, TorchSharp.torch.CPU);
        using var onnx = OnnxClipEncoder.FromPretrained(model);
        using var index = ImageSearchIndex.Create(_sandbox.Index, torch);
        await index.AddFolderAsync(pictures, cancellationToken: TestContext.Current.CancellationToken);
        using var opened = ImageSearchIndex.Open(_sandbox.Index, onnx);
        using var other = ImageSearchIndex.Create(_sandbox.Index + "2", onnx);
        await other.AddFolderAsync(pictures, cancellationToken: TestContext.Current.CancellationToken);
        foreach (string text in new[] { "a cat", "a pizza", "a sunset over the ocean" })
        {
            var expected = index.Search(text);
            foreach (var found in new[] { opened.Search(text), other.Search(text) })
            {
                Assert.Equal(expected.Select(result => result.Id), found.Select(result => result.Id));
                Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 1e-5));
            }
        }
        using var stranger = Sandbox.RandomClip();
        Assert.Contains("was built by another model", Assert.Throws<InvalidDataException>(
            () => ImageSearchIndex.Open(_sandbox.Index, stranger)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_search_on_one_thread_stops_between_two_blocks()
    {
        using var index = _sandbox.OfVectors(2);
        index.AddEmbeddings([.. Enumerable.Range(0, 10_000).Select(i => $"{i}")], Sandbox.Vectors(10_000, 2));
        using var stop = new CancellationTokenSource();
        var options = new SearchOptions
        {
            Filter = _ =>
            {
                stop.Cancel();
                return true;
            },
        };
        Assert.ThrowsAny<OperationCanceledException>(() => index.Search([1f, 0], options, stop.Token));
    }

    [Fact]
    public void A_filter_is_asked_only_of_what_would_be_among_the_best()
    {
        using var index = _sandbox.OfVectors(2);
        index.AddEmbeddings([.. Enumerable.Range(0, 100).Select(i => $"{i}")],
            [.. Enumerable.Range(0, 100).SelectMany(i => new[] { MathF.Cos(i / 100f), MathF.Sin(i / 100f) })]);
        int asked = 0;
        Assert.Equal("0", index.Search([1f, 0], new SearchOptions { Top = 1, Filter = _ => ++asked > 0 })[0].Id);
        Assert.Equal(1, asked);
    }

    [Fact]
    public void The_search_for_duplicates_can_be_stopped()
    {
        using var index = _sandbox.OfVectors(2);
        index.AddEmbeddings(["a", "b"], [1, 0, 0, 1]);
        Assert.ThrowsAny<OperationCanceledException>(() => index.Duplicates(1, new CancellationToken(true)));
    }
}
