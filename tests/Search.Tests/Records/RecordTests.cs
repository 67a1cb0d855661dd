using System.Linq.Expressions;
using ClipNotebooks.Search.Records;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;

namespace ClipNotebooks.Search.Tests.Records;

/// <summary>What Microsoft.Extensions.VectorData expects of a collection, of every place where images are kept.</summary>
public abstract class RecordTests : IDisposable
{
    private static readonly Guid Camera = Guid.Parse("0f8fad5b-d9cb-469f-a165-70867728950e");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>An empty store of vectors that no model made.</summary>
    private protected abstract ImageStore Empty(int width);

    /// <summary>Whether anything of the store is left.</summary>
    private protected abstract bool IsThere();

    public abstract void Dispose();

    private static List<Photo> Photos() =>
    [
        .. Enumerable.Range(0, 12).Select(i => new Photo
        {
            Id = $"p{i:00}",
            Place = (i % 4) switch { 0 => "Oslo", 1 => "O'Hare \"Ж\" 😀", 2 => null, _ => "oslo" },
            Year = 2015 + i,
            Stars = i % 3 == 0 ? null : i % 6,
            Exposure = i / 8.0 - 0.5,
            Price = i % 2 == 0 ? 10.25m * i : null,
            Aperture = i / 10f,
            Shared = i % 5 == 0,
            Flag = i % 3 == 0 ? null : i % 3 == 1,
            Taken = i % 4 == 3 ? null : new DateTimeOffset(2020, 1, 1 + i, 12, 0, 0, TimeSpan.FromHours(2)),
            Added = new DateOnly(2021, 1 + i, 28),
            Camera = i % 2 == 0 ? Camera : Guid.Empty,
            Tags = [.. new[] { "night", "sea", "o'clock" }.Take(i % 4)],
            Vector = new[] { 1f, i, 0, -i },
            Note = "not kept",
        }),
    ];

    private async Task<ImageRecords<Photo>> FilledAsync()
    {
        var records = new ImageRecords<Photo>(Empty(4), ownsStore: true);
        await records.UpsertAsync(Photos(), Stop);
        return records;
    }

    [Fact]
    public async Task A_record_comes_back_as_it_was_and_is_replaced_and_deleted_by_its_key()
    {
        using var records = await FilledAsync();
        foreach (var photo in Photos())
        {
            var found = (await records.GetAsync(photo.Id, new() { IncludeVectors = true }, Stop))!;
            Assert.Equal((photo.Id, photo.Place, photo.Year, photo.Stars, photo.Exposure, photo.Price, photo.Shared),
                (found.Id, found.Place, found.Year, found.Stars, found.Exposure, found.Price, found.Shared));
            Assert.Equal((photo.Taken, photo.Added, photo.Camera, ""), (found.Taken, found.Added, found.Camera, found.Note));
            Assert.Equal((photo.Aperture, photo.Flag), (found.Aperture, found.Flag));
            Assert.Equal(photo.Tags, found.Tags);
            // At length 1.
            double length = Math.Sqrt(photo.Vector.ToArray().Sum(value => value * value));
            Assert.All(photo.Vector.ToArray().Zip(found.Vector.ToArray()), pair => Assert.Equal(pair.First / length, pair.Second, 1e-6));
        }
        Assert.Null(await records.GetAsync("nobody", cancellationToken: Stop));
        Assert.True((await records.GetAsync("p01", cancellationToken: Stop))!.Vector.IsEmpty);
        string[] asked = ["p03", "nobody", "p01", "p03"];
        Assert.Equal(["p01", "p03"], await records.GetAsync(asked, cancellationToken: Stop).Select(photo => photo.Id).ToListAsync(Stop));

        // Of two of one key the last counts; what has no value any more is gone.
        await records.UpsertAsync([new Photo { Id = "p01", Place = "first", Vector = new[] { 1f, 0, 0, 0 } },
            new Photo { Id = "p01", Year = 7, Vector = new[] { 0, 0, 2f, 0 } }], Stop);
        var replaced = (await records.GetAsync("p01", new() { IncludeVectors = true }, Stop))!;
        Assert.Equal((null, 7, "0 0 1 0"), (replaced.Place, replaced.Year, string.Join(' ', replaced.Vector.ToArray())));
        await records.DeleteAsync("p01", Stop);
        await records.DeleteAsync(["p02", "nobody", "p03"], Stop);
        Assert.Equal(9, await records.GetAsync(photo => true, 100, cancellationToken: Stop).CountAsync(Stop));
        await records.UpsertAsync([], Stop);
    }

    [Fact]
    public async Task A_filter_passes_what_it_passes_in_LINQ()
    {
        using var records = await FilledAsync();
        var (year, place, noon) = (2020, "O'Hare \"Ж\" 😀", new DateTimeOffset(2020, 1, 6, 10, 0, 0, TimeSpan.Zero));
        int?[] stars = [1, null];
        string[] places = ["Oslo", "Bergen"];
        List<int> years = [2016, 2018, 1900];
        HashSet<string> named = ["Oslo", "Bergen"];
        float aperture = 0.3f;
        (string? anywhere, Photo? like) = (null, null);
        Expression<Func<Photo, bool>>[] filters =
        [
            photo => photo.Year == year, photo => year < photo.Year, photo => photo.Year >= 2018 && photo.Year <= 2022,
            photo => photo.Place == place, photo => photo.Place != "Oslo", photo => photo.Place == null, photo => photo.Place != null,
            photo => photo.Stars == 4, photo => photo.Stars != 4, photo => photo.Stars > 1, photo => !(photo.Stars > 1),
            photo => photo.Stars.HasValue, photo => !photo.Stars.HasValue || photo.Stars.Value == 2,
            photo => photo.Exposure < 0.125, photo => photo.Exposure == -0.375, photo => photo.Price > 40.5m, photo => photo.Price == null,
            photo => photo.Shared, photo => !photo.Shared, photo => photo.Shared == false || photo.Year == 2015,
            photo => photo.Taken > noon, photo => photo.Taken <= noon.AddDays(3), photo => photo.Added >= new DateOnly(2021, 7, 28),
            photo => photo.Camera == Camera, photo => photo.Id == "p05" || photo.Id == "p07", photo => photo.Id != "p05",
            photo => places.Contains(photo.Place), photo => years.Contains(photo.Year), photo => stars.Contains(photo.Stars),
            photo => new[] { "p01", "p02" }.Contains(photo.Id), photo => photo.Tags.Contains("o'clock"),
            photo => !photo.Tags.Contains("sea") && photo.Year > 2016, photo => !(photo.Place == "Oslo" && photo.Shared), photo => true,
            photo => false && photo.Shared,
            photo => photo.Aperture == 0.1f, photo => photo.Aperture == 0.1, photo => photo.Aperture >= aperture,
            photo => new[] { 0.2f, 0.7f }.Contains(photo.Aperture), photo => photo.Flag == true, photo => photo.Flag != false,
            photo => anywhere == null || photo.Place == anywhere, photo => like == null || photo.Place == like.Place,
            photo => like != null && photo.Year == like.Year, photo => named.Contains(photo.Place!),
            photo => (long)photo.Year == 2017L, photo => places.Contains(photo.Place, null),
            photo => (DayOfWeek)photo.Year == DayOfWeek.Monday,
        ];
        foreach (var filter in filters) await PassesAsync(records, Photos(), filter);
    }

    /// <summary>What .NET and SQL hold of NaN differs in each of these.</summary>
    [Fact]
    public async Task NaN_is_compared_and_ordered_as_in_LINQ()
    {
        List<Photo> photos =
        [
            .. new[] { 1, double.NaN, double.PositiveInfinity, -1, double.NegativeInfinity }.Select((value, i) => new Photo
            {
                Id = $"n{i}", Exposure = value, Aperture = (float)value, Vector = new[] { 1f, i, 0, 0 },
            }),
        ];
        var store = Empty(4);
        using var records = new ImageRecords<Photo>(store, ownsStore: true);
        await records.UpsertAsync(photos, Stop);
        var back = (await records.GetAsync("n1", cancellationToken: Stop))!;
        Assert.Equal((double.NaN, float.NaN), (back.Exposure, back.Aperture));
        double none = double.NaN;
        double[] values = [1, none];
        float[] singles = [float.NaN];
        foreach (var filter in new Expression<Func<Photo, bool>>[]
        {
            photo => photo.Exposure == none, photo => photo.Exposure != none, photo => none != photo.Exposure,
            photo => photo.Exposure < none, photo => photo.Exposure <= none, photo => photo.Exposure > none,
            photo => photo.Exposure >= none,
            photo => photo.Exposure == 1, photo => photo.Exposure != 1, photo => photo.Exposure < 1, photo => photo.Exposure <= 1,
            photo => photo.Exposure > 0, photo => photo.Exposure >= 1, photo => 0 < photo.Exposure, photo => !(photo.Exposure > 0),
            photo => photo.Aperture > 0, photo => photo.Aperture >= 1, photo => photo.Aperture < 1, photo => !(photo.Aperture >= 1),
            photo => values.Contains(photo.Exposure), photo => singles.Contains(photo.Aperture),
        }) await PassesAsync(records, photos, filter);

        // A row without the property comes before NaN, as null in LINQ.
        store.AddEmbeddings(["nothing"], [1, 0, 0, 0]);
        string[] expected = ["nothing", .. photos.OrderBy(photo => photo.Exposure).Select(photo => photo.Id)];
        Assert.Equal(["nothing", "n1", "n4", "n3", "n0", "n2"], expected);
        Assert.Equal(expected, await OrderedAsync(order => order.Ascending(photo => photo.Exposure)));
        Assert.Equal(expected.Reverse(), await OrderedAsync(order => order.Descending(photo => photo.Exposure)));
        Assert.Equal(expected, await OrderedAsync(order => order.Ascending(photo => photo.Aperture)));

        ValueTask<List<string>> OrderedAsync(Func<FilteredRecordRetrievalOptions<Photo>.OrderByDefinition,
            FilteredRecordRetrievalOptions<Photo>.OrderByDefinition> order) => records.GetAsync(
                photo => true, 10, new() { OrderBy = order }, Stop).Select(photo => photo.Id).ToListAsync(Stop);
    }

    private static async Task PassesAsync(ImageRecords<Photo> records, List<Photo> photos, Expression<Func<Photo, bool>> filter)
    {
        string[] expected = [.. photos.Where(filter.Compile()).Select(photo => photo.Id)];
        var got = await records.GetAsync(filter, 100, cancellationToken: Stop).Select(photo => photo.Id).ToListAsync(Stop);
        Assert.True(expected.SequenceEqual(got), $"{filter}: {string.Join(' ', expected)} expected, {string.Join(' ', got)} got");
        var found = records.SearchAsync(new[] { 1f, 2, 3, 4 }, 100, new() { Filter = filter }, Stop);
        Assert.Equal(expected, await found.Select(result => result.Record.Id).Order().ToListAsync(Stop));
    }

    [Fact]
    public async Task Pages_and_order_are_those_of_LINQ()
    {
        using var records = await FilledAsync();
        await SameAsync(order => order.Ascending(photo => photo.Id), photos => photos);
        await SameAsync(order => order.Descending(photo => photo.Year), photos => photos.OrderByDescending(photo => photo.Year));
        await SameAsync(order => order.Ascending(photo => photo.Stars).Descending(photo => photo.Exposure),
            photos => photos.OrderBy(photo => photo.Stars).ThenByDescending(photo => photo.Exposure));
        await SameAsync(order => order.Descending(photo => photo.Place).Ascending(photo => photo.Price), photos => photos
            .OrderByDescending(photo => photo.Place, StringComparer.Ordinal).ThenBy(photo => photo.Price).ThenBy(photo => photo.Id));
        // 9 before 10, as a number and not as a text.
        await records.UpsertAsync(new Photo { Id = "early", Year = 9, Vector = new[] { 1f, 0, 0, 0 } }, Stop);
        Assert.Equal("early", await records.GetAsync(photo => true, 1, new() { OrderBy = order => order.Ascending(photo => photo.Year) },
            Stop).Select(photo => photo.Id).SingleAsync(Stop));

        async Task SameAsync(Func<FilteredRecordRetrievalOptions<Photo>.OrderByDefinition,
            FilteredRecordRetrievalOptions<Photo>.OrderByDefinition> order, Func<List<Photo>, IEnumerable<Photo>> expected)
        {
            for (int skip = 0; skip < 14; skip += 5)
                Assert.Equal(expected(Photos()).Skip(skip).Take(5).Select(photo => photo.Id), await records.GetAsync(
                    photo => true, 5, new() { Skip = skip, OrderBy = order }, Stop).Select(photo => photo.Id).ToListAsync(Stop));
        }
    }

    [Fact]
    public async Task A_search_gives_the_nearest_a_page_at_a_time_down_to_a_score()
    {
        using var records = await FilledAsync();
        float[] point = [0, 1, 0, -1];
        var expected = Photos().Select(photo => (photo.Id, Score: Cosine(photo.Vector.Span, point))).OrderByDescending(pair => pair.Score)
            .ToList();
        var all = await records.SearchAsync(point, 100, cancellationToken: Stop).ToListAsync(Stop);
        Assert.Equal(expected.Select(pair => pair.Id), all.Select(result => result.Record.Id));
        Assert.All(expected.Zip(all), pair => Assert.Equal(pair.First.Score, pair.Second.Score!.Value, 1e-5));
        Assert.All(all, result => Assert.True(result.Record.Vector.IsEmpty));
        var page = await records.SearchAsync(new Embedding<float>(point), 3, new() { Skip = 4, IncludeVectors = true }, Stop)
            .ToListAsync(Stop);
        Assert.Equal(expected[4..7].Select(pair => pair.Id), page.Select(result => result.Record.Id));
        Assert.All(page, result => Assert.Equal(result.Score!.Value, Cosine(result.Record.Vector.Span, point), 1e-5));
        Assert.Equal(expected.Count(pair => pair.Score >= 0.9), await records.SearchAsync(new ReadOnlyMemory<float>(point), 100,
            new() { ScoreThreshold = 0.9 }, Stop).CountAsync(Stop));
        Assert.Equal(12, await records.SearchAsync(point, 1, new() { Skip = 11 }, Stop).CountAsync(Stop) + 11);
        Assert.Equal(0, await records.SearchAsync(point, 5, new() { Skip = 12 }, Stop).CountAsync(Stop));

        static double Cosine(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
        {
            double product = 0, one = 0, other = 0;
            for (int i = 0; i < left.Length; i++)
                (product, one, other) = (product + left[i] * right[i], one + left[i] * left[i], other + right[i] * right[i]);
            return product / Math.Sqrt(one * other);
        }
    }

    [Fact]
    public async Task What_cannot_be_asked_or_kept_is_refused_by_its_name()
    {
        using var records = await FilledAsync();
        string[] places = ["OSLO"];
        HashSet<string> named = new(places, StringComparer.OrdinalIgnoreCase);
        foreach (var filter in new Expression<Func<Photo, bool>>[]
        {
            photo => photo.Place!.Length > 3, photo => photo.Year > photo.Stars, photo => photo.Place!.StartsWith("Os"),
            photo => photo.Year > 2.5, photo => photo.Note == "a", photo => photo.Tags == new List<string>(),
            // What a store would answer otherwise than LINQ.
            photo => photo.Flag ?? false, photo => photo.Shared ^ true, photo => (int)photo.Exposure == 0,
            photo => (decimal)photo.Aperture == 0.1m, photo => new[] { 2019.5 }.Contains(photo.Year),
            photo => places.Contains(photo.Place, StringComparer.OrdinalIgnoreCase), photo => named.Contains(photo.Place!),
            photo => photo.Tags.Contains("SEA", StringComparer.OrdinalIgnoreCase),
        })
            Assert.Throws<NotSupportedException>(() => records.GetAsync(filter, 1, cancellationToken: Stop));
        Assert.Throws<NotSupportedException>(() => records.SearchAsync(7, 1, cancellationToken: Stop));
        Assert.Throws<ArgumentOutOfRangeException>(() => records.SearchAsync(new float[4], 0, cancellationToken: Stop));
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await records.SearchAsync(new float[] { 1, 2 }, 1, null, Stop).ToListAsync(Stop));
        await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await records.SearchAsync("a cat", 1, null, Stop).ToListAsync(Stop));
        Assert.Contains("The key Id", (await Assert.ThrowsAsync<ArgumentException>(
            () => records.UpsertAsync(new Photo { Vector = new float[4] }, Stop))).Message, StringComparison.Ordinal);
        Assert.Contains("Vector of \"a\" is missing", (await Assert.ThrowsAsync<ArgumentException>(
            () => records.UpsertAsync(new Photo { Id = "a" }, Stop))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => records.UpsertAsync(new Photo { Id = "a", Vector = new float[4] }, Stop));
        Assert.Equal(12, await records.GetAsync(photo => true, 100, cancellationToken: Stop).CountAsync(Stop));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => records.GetAsync("p01", null, new CancellationToken(true)));

        // Text that is no number, as somebody else may have written it.
        var store = (ImageStore)records.GetService(typeof(ImageStore))!;
        store.AddEmbeddings(["odd"], [1, 0, 0, 0], [new Dictionary<string, string> { ["Stars"] = "many" }]);
        var wrong = await Assert.ThrowsAsync<VectorStoreException>(() => records.GetAsync("odd", cancellationToken: Stop));
        Assert.Contains("\"odd\" has \"many\" as Stars, which stands for no Int32", wrong.Message, StringComparison.Ordinal);
        Assert.Equal(("clip-notebooks", "get", store.Place), (wrong.VectorStoreSystemName, wrong.OperationName, wrong.CollectionName));
        await Assert.ThrowsAsync<VectorStoreException>(
            async () => await records.GetAsync(photo => photo.Stars == 1, 100, null, Stop).ToListAsync(Stop));
        store.AddEmbeddings(["odd"], [1, 0, 0, 0], [new Dictionary<string, string> { ["Stars"] = "3000000000" }]);
        wrong = await Assert.ThrowsAsync<VectorStoreException>(() => records.GetAsync("odd", cancellationToken: Stop));
        Assert.Contains("\"odd\" has \"3000000000\" as Stars, which stands for no Int32", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_collection_is_there_until_it_is_deleted_and_says_what_it_is()
    {
        using var records = await FilledAsync();
        var about = (VectorStoreCollectionMetadata)records.GetService(typeof(VectorStoreCollectionMetadata))!;
        Assert.Equal(("clip-notebooks", records.Name), (about.VectorStoreSystemName, about.CollectionName));
        Assert.Same(records, records.GetService(typeof(VectorStoreCollection<string, Photo>)));
        Assert.Null(records.GetService(typeof(ImageStore), "key"));
        await records.EnsureCollectionExistsAsync(Stop);
        Assert.True(await records.CollectionExistsAsync(Stop));
        Assert.True(IsThere());
        await records.EnsureCollectionDeletedAsync(Stop);
        await records.EnsureCollectionDeletedAsync(Stop);
        Assert.False(await records.CollectionExistsAsync(Stop));
        Assert.False(IsThere());
        await Assert.ThrowsAsync<InvalidOperationException>(() => records.EnsureCollectionExistsAsync(Stop));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => records.GetAsync("p01", cancellationToken: Stop));
    }
}
