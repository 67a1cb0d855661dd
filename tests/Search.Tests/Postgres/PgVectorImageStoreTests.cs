using ClipNotebooks.Search.Postgres;
using ClipNotebooks.Search.Sharding;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search.Tests.Postgres;

/// <summary>The store in PostgreSQL, beside the index in a folder: the same calls, the same answers.</summary>
public sealed class PgVectorImageStoreTests(ITestOutputHelper output) : IDisposable
{
    private readonly TestDatabase _database = new();
    private readonly Sandbox _sandbox = new();

    public void Dispose()
    {
        _database.Dispose();
        _sandbox.Dispose();
    }

    private PgVectorImageStore OfVectors(int width, VectorStorage storage = VectorStorage.Float32, PgVectorOptions? graph = null) =>
        PgVectorImageStore.Connect(_database.Connection, width, "no model", "no model", new IndexOptions { Storage = storage },
            graph);

    private static string[] Names(int count) => [.. Enumerable.Range(0, count).Select(i => $"{i}")];

    private static IEnumerable<(string, string?, string)> Shown(IEnumerable<SearchResult> results) =>
        results.Select(result => (result.Id, result.Path,
            string.Join(' ', result.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => $"{pair.Key}={pair.Value}"))));

    [Fact]
    public async Task A_folder_is_followed_as_the_index_in_a_folder_follows_it()
    {
        for (int i = 0; i < 10; i++) _sandbox.Picture($"{(i < 5 ? "inner/deep/" : "")}{i}.png", i);
        using var clip = Sandbox.RandomClip();
        var options = new IndexOptions { BatchSize = 4, MetadataOf = path =>
            new Dictionary<string, string> { ["name"] = Path.GetFileName(path), ["it's"] = "a \"quoted\" \\ value" } };
        using var folder = ImageSearchIndex.Create(_sandbox.Index, clip, options);
        using var store = PgVectorImageStore.OpenOrCreate(_database.Connection, clip, options);
        Assert.Equal((folder.Width, folder.Model, folder.Storage, 0), (store.Width, store.Model, store.Storage, store.Count));
        await SameAsync();
        await SameAsync();

        _sandbox.Picture("5.png", 105);                                                                     // other bytes
        File.SetLastWriteTimeUtc(Path.Combine(_sandbox.Pictures, "6.png"), new DateTime(2020, 1, 1));       // other time
        File.Delete(Path.Combine(_sandbox.Pictures, "7.png"));
        Directory.Delete(Path.Combine(_sandbox.Pictures, "inner"), recursive: true);
        _sandbox.Picture("new.png", 200);
        await File.WriteAllTextAsync(Path.Combine(_sandbox.Pictures, "8.png"), "no longer an image");
        await SameAsync();
        await SameAsync();
        Assert.Equal(_sandbox.Pictures, store.Root);

        // Another object finds what this one left, under the root that the store remembers.
        using var again = PgVectorImageStore.Open(_database.Connection, clip, options);
        Assert.Equal((4, _sandbox.Pictures), (again.Count, again.Root));
        Assert.Equal("0 added, 0 updated, 4 unchanged, 0 removed, 1 unreadable", $"{await again.AddFolderAsync(_sandbox.Pictures)}");

        async Task SameAsync()
        {
            var (one, other) = (await folder.AddFolderAsync(_sandbox.Pictures), await store.AddFolderAsync(_sandbox.Pictures));
            Assert.Equal($"{one}", $"{other}");
            Assert.Equal(one.Added.Concat(one.Updated).Concat(one.Removed).Concat(one.Unchanged),
                other.Added.Concat(other.Updated).Concat(other.Removed).Concat(other.Unchanged));
            Assert.Equal(folder.Count, store.Count);
            for (int i = 0; i < 10; i++)
            {
                var query = new SearchQuery().Plus("a cat").Plus(Sandbox.Image(i), 2).Minus("a dog", 0.5);
                var (expected, found) = (folder.Search(query), store.Search(query));
                Assert.Equal(Shown(expected), Shown(found));
                // pgvector adds up E = 24 products in float32, in its own order.
                Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 1e-5));
            }
        }
    }

    [Fact]
    public async Task A_file_that_was_added_before_its_folder_is_the_same_file_under_the_root()
    {
        string a = _sandbox.Picture("a.png", 1), b = _sandbox.Picture("inner/b.png", 2);
        string outside = Path.Combine(_sandbox.Folder, "pictures-of-others.png");
        Sandbox.Image(3).SavePng(outside);
        using var clip = Sandbox.RandomClip();
        using (var store = PgVectorImageStore.OpenOrCreate(_database.Connection, clip, new IndexOptions()))
        {
            Assert.Equal([outside, a, b], (await store.AddFilesAsync([a, b, outside])).Added);
            float[] vector = store.Embedding(a)!;
            // An earlier library gave the file its second name.
            _database.Execute("INSERT INTO clip_images SELECT 'a.png', is_file, length, modified, hash, metadata, embedding FROM " +
                $"clip_images WHERE id = '{a}'");
            Assert.Equal("0 added, 0 updated, 2 unchanged, 0 removed, 0 unreadable", $"{await store.AddFolderAsync(_sandbox.Pictures)}");
            Assert.Equal([outside, "a.png", "inner/b.png"], Ids());
            Assert.Equal(vector, store.Embedding("a.png"));
            store.Remove("a.png", "inner/b.png");
            await store.AddFilesAsync([a]);
            store.Add("c.png", Sandbox.Image(4));
            string c = Path.Combine(_sandbox.Pictures, "c.png");
            _database.Execute($"INSERT INTO clip_images SELECT '{c}', is_file, length, modified, hash, metadata, embedding FROM " +
                "clip_images WHERE id = 'a.png'");
            _database.Execute($"UPDATE clip_images SET id = '{a}' WHERE id = 'a.png'; UPDATE clip_images_about SET root = NULL");
        }
        // A root that is given when the store is opened is a root as well.
        using var given = PgVectorImageStore.Open(_database.Connection, clip, new IndexOptions { Root = _sandbox.Pictures });
        await given.AddFilesAsync([b]);
        // An image from memory has the name that the third file would have.
        Assert.Equal([outside, Path.Combine(_sandbox.Pictures, "c.png"), "a.png", "c.png", "inner/b.png"], Ids());

        List<string> Ids() => _database.Lines("SELECT id FROM clip_images ORDER BY id COLLATE \"C\"");
    }

    [Theory]
    [InlineData(VectorStorage.Float32)]
    [InlineData(VectorStorage.Float16)]
    public void Filters_pages_and_thresholds_are_those_of_the_index_in_a_folder(VectorStorage storage)
    {
        const int rows = 2000, width = 32;
        using var folder = _sandbox.OfVectors(width, storage);
        using var store = OfVectors(width, storage);
        var metadata = Enumerable.Range(0, rows).Select(i => new Dictionary<string, string> { ["kind"] = i % 400 == 7 ? "rare" : "common" })
            .ToArray();
        folder.AddEmbeddings(Names(rows), Sandbox.Vectors(rows, width), metadata);
        store.AddFrom(folder);
        Assert.Equal((rows, storage), (store.Count, store.Storage));
        foreach (string id in Names(rows).Take(5)) Assert.Equal(folder.Embedding(id), store.Embedding(id));
        Assert.Null(folder.Embedding("nothing"));
        Assert.Null(store.Embedding("nothing"));
        for (int trial = 0; trial < 5; trial++)
        {
            var query = Sandbox.Vectors(1, width, 100 + trial);
            foreach (var options in new[]
            {
                new SearchOptions { Top = rows },
                new SearchOptions { Top = 20, Skip = 1500 },
                new SearchOptions { Top = int.MaxValue, MinScore = 0.2 },
                new SearchOptions { Top = 10, Filter = entry => entry.Metadata["kind"] == "rare" },
                new SearchOptions { Top = 2, Skip = 1, Filter = entry => entry.Metadata["kind"] == "rare", MinScore = -0.5 },
                new SearchOptions { Filter = _ => false },
                new SearchOptions { Skip = rows },
            })
            {
                var (expected, found) = (folder.Search(query, options), store.Search(query, options));
                // More is asked for than the graph gives, so nothing is approximate but the last digits of a score, which may change the
                // places of neighbours.
                Assert.Equal(expected.Count, found.Count);
                Assert.All(expected.Zip(found), pair => Assert.Equal(
                    pair.First.Score, pair.Second.Score, storage == VectorStorage.Float16 ? 1e-3 : 1e-5));
                if (storage == VectorStorage.Float32) Assert.Equal(
                    expected.Select(result => result.Id).Order(StringComparer.Ordinal),
                    found.Select(result => result.Id).Order(StringComparer.Ordinal));
            }
        }
    }

    [Fact]
    public void A_search_follows_the_graph_and_finds_nearly_all_of_the_nearest()
    {
        const int rows = 4000, width = 48;
        using var folder = _sandbox.OfVectors(width);
        folder.AddEmbeddings(Names(rows), Sandbox.Vectors(rows, width));
        using var store = OfVectors(width);
        store.AddFrom(folder);
        _database.Execute("ANALYZE clip_images");
        Assert.Contains("clip_images_hnsw", string.Join('\n', _database.Lines($"EXPLAIN SELECT id FROM clip_images ORDER BY embedding " +
            $"<=> '[{string.Join(',', Enumerable.Repeat(1, width))}]' LIMIT 10")), StringComparison.Ordinal);
        using var exact = OfVectors(width, graph: new PgVectorOptions { Exact = true });
        using var narrow = OfVectors(width, graph: new PgVectorOptions { EfSearch = 10 });
        var (found, foundNarrowly) = (0, 0);
        for (int trial = 0; trial < 50; trial++)
        {
            var query = Sandbox.Vectors(1, width, 100 + trial);
            string[] nearest = [.. folder.Search(query).Select(result => result.Id)];
            Assert.Equal(nearest, exact.Search(query).Select(result => result.Id));
            found += store.Search(query).Select(result => result.Id).Intersect(nearest).Count();
            foundNarrowly += narrow.Search(query).Select(result => result.Id).Intersect(nearest).Count();
        }
        output.WriteLine($"{found} and {foundNarrowly} of 500");
        // 500 and 321 were measured; the graph's levels are drawn by lot. A narrow search that missed nothing would mean that the graph is
        // not what was searched.
        Assert.InRange(found, 475, 500);
        Assert.InRange(foundNarrowly, 250, 480);
    }

    [Fact]
    public void Another_model_is_refused_and_so_are_vectors_of_another_width()
    {
        using var clip = Sandbox.RandomClip();
        using var other = Sandbox.RandomClip(2);
        using (var store = PgVectorImageStore.OpenOrCreate(_database.Connection, clip)) store.Add("a", Sandbox.Image(1));
        foreach (var open in new Action[] { () => PgVectorImageStore.Open(_database.Connection, other), () =>
            PgVectorImageStore.OpenOrCreate(_database.Connection, other) })
            Assert.Contains("was built by another model: embeddings of width 24", Assert.Throws<InvalidDataException>(open).Message,
                StringComparison.Ordinal);
        Assert.Contains("were made by another model", Assert.Throws<InvalidDataException>(() => OfVectors(24)).Message,
            StringComparison.Ordinal);

        using var opened = PgVectorImageStore.Open(_database.Connection);
        Assert.Contains("The embedding has 3 values; those of this store have 24",
            Assert.Throws<ArgumentException>(() => opened.Search(new float[] { 1, 2, 3 })).Message, StringComparison.Ordinal);
        Assert.Contains("was opened without an encoder", Assert.Throws<InvalidOperationException>(() => opened.Search("a cat")).Message,
            StringComparison.Ordinal);
        using var foreign = _sandbox.OfVectors(24);
        Assert.Contains("another model", Assert.Throws<ArgumentException>(() => opened.AddFrom(foreign)).Message, StringComparison.Ordinal);

        _database.Execute("ALTER TABLE clip_images ALTER COLUMN embedding TYPE vector");
        Assert.Contains("its column embedding is vector, and clip_images_about speaks of vector(24)",
            Assert.Throws<InvalidDataException>(() => PgVectorImageStore.Open(_database.Connection)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_wrong_with_the_server_is_said()
    {
        string Refused<T>(Action<Npgsql.NpgsqlConnectionStringBuilder> change, IndexOptions? options = null) where T : Exception =>
            Assert.Throws<T>(() => PgVectorImageStore.Connect(_database.With(change), 8, "no model", "no model", options)).Message;

        Assert.Contains("There is no image store in the table clip_images",
            Assert.Throws<FileNotFoundException>(() => PgVectorImageStore.Open(_database.Connection)).Message, StringComparison.Ordinal);
        Assert.Contains("has no such database", Refused<IOException>(own => own.Database = "clip_no_such_database"),
            StringComparison.Ordinal);
        // A login that is not there is refused as a wrong password is, where the server asks for one at all.
        string refused = Refused<IOException>(own => (own.Username, own.Password) = ("clip_nobody", "wrong"));
        Assert.True(refused.Contains("refuses the login of clip_nobody", StringComparison.Ordinal), refused);

        string role = $"clip_{Guid.NewGuid():N}";
        _database.Execute($"""
            CREATE ROLE {role} LOGIN PASSWORD 'p';
            DO $$ BEGIN
                EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
                EXECUTE format('GRANT CONNECT ON DATABASE %I TO {role}', current_database());
            END $$
            """);
        try
        {
            Assert.Contains("may not add it", Refused<IOException>(own => (own.Username, own.Password) = (role, "p")),
                StringComparison.Ordinal);
        }
        finally
        {
            _database.Execute($"DROP OWNED BY {role}; DROP ROLE {role}");
        }

        _database.Execute("CREATE EXTENSION vector; UPDATE pg_extension SET extversion = '0.4.4' WHERE extname = 'vector'");
        Assert.Contains("has pgvector 0.4.4, and a search by its graph (HNSW) needs 0.5 or later", Refused<IOException>(_ => { }),
            StringComparison.Ordinal);
        _database.Execute("UPDATE pg_extension SET extversion = '0.6.2' WHERE extname = 'vector'");
        Assert.Contains("keeping vectors in two bytes a value needs 0.7 or later",
            Refused<IOException>(_ => { }, new IndexOptions { Storage = VectorStorage.Float16 }), StringComparison.Ordinal);
        // Nothing was left half-made.
        Assert.Equal(["0"], _database.Lines("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"));

        _database.Execute("CREATE TABLE clip_images (id integer)");
        Assert.Contains("was not made by this library", Refused<IOException>(_ => { }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_that_make_the_same_store_at_once_make_one()
    {
        var stores = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => OfVectors(8))));
        await Task.WhenAll(stores.Select((store, i) => Task.Run(() => store.AddEmbeddings([$"{i}", "shared"], Sandbox.Vectors(2, 8, i)))));
        Assert.All(stores, store => Assert.Equal(9, store.Count));
        foreach (var store in stores) store.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stores[0].Count);
        Assert.Equal(["1"], _database.Lines("SELECT count(*) FROM pg_indexes WHERE indexname = 'clip_images_hnsw'"));
    }

    [Fact]
    public void Names_and_metadata_are_data_and_never_SQL()
    {
        string[] ids = ["'); DROP TABLE clip_images; --", "\"quoted\"", "back\\slash", "새\nline\t😀", "$1", "<b>html</b>"];
        using var store = PgVectorImageStore.Connect(_database.With(_ => { }) + ";Table=Odd_Name_1", 8, "no model", "no model");
        store.AddEmbeddings(ids, Sandbox.Vectors(ids.Length, 8), [.. ids.Select(id => new Dictionary<string, string> { [id] = id })]);
        foreach (string id in ids) Assert.Equal(id, store.Find(id)!.Metadata[id]);
        Assert.Equal(ids.Order(StringComparer.Ordinal),
            store.Search(Sandbox.Vectors(1, 8)).Select(result => result.Id).Order(StringComparer.Ordinal));
        Assert.Equal(2, store.Remove(ids[0], ids[4], "not there"));
        Assert.Null(store.Find(ids[0]));
        Assert.Equal(4, store.Count);
        Assert.Contains("without the character 0", Assert.Throws<IOException>(
            () => store.AddEmbeddings(["a\0b"], Sandbox.Vectors(1, 8))).Message, StringComparison.Ordinal);
        Assert.Contains("2,600 bytes", Assert.Throws<IOException>(
            () => store.AddEmbeddings([string.Concat(Enumerable.Range(0, 900).Select(i => $"{i * 7919 % 9973:x4}"))],
            Sandbox.Vectors(1, 8))).Message, StringComparison.Ordinal);
        Assert.Equal(4, store.Count);
    }

    [Fact]
    public async Task Threads_search_while_two_writers_add_and_remove()
    {
        const int width = 16;
        using var store = OfVectors(width);
        store.AddEmbeddings(["fixed"], Axis(0));
        using var other = OfVectors(width);
        using var stop = new CancellationTokenSource();
        var searching = Enumerable.Range(0, 16).Select(_ => Task.Run(() =>
        {
            do Assert.Equal("fixed", store.Search(Axis(0))[0].Id);
            while (!stop.IsCancellationRequested);
        })).ToArray();
        await Task.WhenAll(new[] { store, other }.Select((writer, which) => Task.Run(() =>
        {
            for (int round = 0; round < 20; round++)
            {
                writer.AddEmbeddings([$"{which}-{round}", $"both-{round}"],
                    Enumerable.Repeat(Axis(1 + round % 15), 2).SelectMany(axis => axis).ToArray());
                if (round % 2 == 0) Assert.Equal(1, writer.Remove($"{which}-{round}"));
            }
        })));
        await stop.CancelAsync();
        await Task.WhenAll(searching);
        Assert.Equal(1 + 20 + 2 * 10, store.Count);

        static float[] Axis(int i)
        {
            var axis = new float[width];
            axis[i] = 1;
            return axis;
        }
    }

    [Fact]
    public void What_is_cancelled_leaves_nothing_and_stops_a_search_under_way()
    {
        using var folder = _sandbox.OfVectors(8);
        folder.AddEmbeddings(Names(1500), Sandbox.Vectors(1500, 8));
        using var store = OfVectors(8);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => store.Load(Cancelling(store.Rows(folder)), stop.Token));
        Assert.Equal(0, store.Count);
        store.AddFrom(folder, TestContext.Current.CancellationToken);
        // A search that waits for a lock would wait for ever.
        using (var connection = new Npgsql.NpgsqlConnection(_database.With(own => own.Pooling = false)))
        {
            connection.Open();
            using var transaction = connection.BeginTransaction();
            using var locking = new Npgsql.NpgsqlCommand("LOCK TABLE clip_images IN ACCESS EXCLUSIVE MODE", connection);
            locking.ExecuteNonQuery();
            using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
            Assert.Throws<OperationCanceledException>(() =>
                store.Search(Sandbox.Vectors(1, 8), cancellationToken: soon.Token));
        }
        // The connections that were broken off are not given to the next.
        Assert.Equal(10, store.Search(Sandbox.Vectors(1, 8)).Count);

        IEnumerable<(float[], StoredEntry)> Cancelling(IEnumerable<(float[], StoredEntry)> rows)
        {
            foreach (var (i, row) in rows.Index())
            {
                if (i == 700) stop.Cancel();
                yield return row;
            }
        }
    }

    [Theory]
    [InlineData(VectorStorage.Float32)]
    [InlineData(VectorStorage.Float16)]
    public async Task Shards_or_an_index_come_into_the_database(VectorStorage storage)
    {
        for (int i = 0; i < 30; i++) _sandbox.Picture($"{i % 3}/{i}.png", i);
        using var clip = Sandbox.RandomClip();
        var options = new IndexOptions { Storage = storage };
        string[] shards = [.. Enumerable.Range(1, 3).Select(number => Path.Combine(_sandbox.Folder, "shards", $"{number}"))];
        for (int number = 1; number <= 3; number++) await ShardedIndex.EmbedAsync(
            _sandbox.Pictures, shards[number - 1], new Shard(number, 3), clip, options);
        Assert.Contains("A shard is missing: 3/3", Assert.Throws<InvalidDataException>(
            () => ImageStores.Merge(shards[..2], _database.Connection)).Message, StringComparison.Ordinal);
        Assert.Equal(30, ImageStores.Merge(shards, _database.Connection));
        Assert.Contains("holds 30 images already", Assert.Throws<IOException>(
            () => ImageStores.Merge(shards, _database.Connection)).Message, StringComparison.Ordinal);

        using var store = PgVectorImageStore.Open(_database.Connection, clip, options);
        Assert.Equal((30, _sandbox.Pictures, storage), (store.Count, store.Root, store.Storage));
        Assert.Equal("0 added, 0 updated, 30 unchanged, 0 removed, 0 unreadable", $"{await store.AddFolderAsync(_sandbox.Pictures)}");
        Assert.Equal(("1/4.png", Path.Combine(_sandbox.Pictures, "1", "4.png")),
            (store.Search(Sandbox.Image(4))[0].Id, store.Search(Sandbox.Image(4))[0].Path));

        ShardedIndex.Merge(shards, _sandbox.Index);
        Assert.Equal(30, ImageStores.Merge([_sandbox.Index], _database.Connection + ";Table=other"));
        using var other = ImageStores.Open(_database.Connection + ";Table=other", clip);
        Assert.Equal(store.Search("a cat").Select(result => result.Id), other.Search("a cat").Select(result => result.Id));
        Assert.DoesNotContain("Password", other.Place, StringComparison.OrdinalIgnoreCase);
    }
}
