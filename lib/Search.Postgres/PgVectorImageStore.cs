using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Search.Storage;
using Npgsql;
using NpgsqlTypes;
using Pgvector;
using static ClipNotebooks.Search.Postgres.PostgresSchema;

namespace ClipNotebooks.Search.Postgres;

/// <summary>
/// A store of images by their embeddings, in a table of PostgreSQL with the extension pgvector. A search follows a graph (HNSW, cosine),
/// which finds most of the nearest images in a time that hardly grows with their number. Any number of machines may search, and any number
/// of processes write at once; each batch is a transaction. Thread-safe.
/// </summary>
/// <remarks>
/// Two tables, made by the first <see cref="OpenOrCreate"/>: clip_images (id, is_file, length, modified, hash, metadata jsonb, embedding)
/// and clip_images_about (the model, its files, the storage, the root). Another name is chosen by <c>Table=…</c> in the connection string.
/// The graph is approximate: where it gives fewer images than are asked for, as behind a strict filter, all vectors are read instead.
/// </remarks>
public sealed partial class PgVectorImageStore : ImageStore
{
    /// <summary>Names in one query.</summary>
    private const int NamesAtOnce = 10_000;

    /// <summary>
    /// With a filter, a query asks for this many times the wanted results; an exact query that finds too few is followed by one that asks
    /// for this many times more.
    /// </summary>
    private const int FilteredShare = 20;

    /// <summary>pgvector's bound on the candidates of a search.</summary>
    private const int MostCandidates = 1000;

    private readonly NpgsqlDataSource _server;
    private readonly PostgresSchema _schema;
    private readonly PgVectorOptions _graph;
    private readonly bool _iterative;
    private volatile string? _root;
    private volatile bool _graphMade;
    private volatile bool _disposed;

    private PgVectorImageStore(NpgsqlDataSource server, PostgresSchema schema, IClipEncoder? encoder, IndexOptions options,
        PgVectorOptions graph)
        : base(encoder, options)
    {
        (_server, _schema, _graph) = (server, schema, graph);
        _root = ReadRoot();
        _iterative = Run(PostgresSchema.Extension) >= PostgresProblem.Iterative;
        if (schema.SourceStamp is null && encoder?.SourceStamp is { } stamp) Run(connection => schema.Learn(connection, stamp));
    }

    /// <inheritdoc/>
    public override string Place => _schema.Address.ToString();

    /// <inheritdoc/>
    public override int Width => _schema.Width;

    /// <inheritdoc/>
    public override VectorStorage Storage => _schema.Storage;

    /// <summary>The number of images, which the server counts at each call, in a time that grows with it.</summary>
    public override int Count => checked((int)Run(
        connection => (long)Command(connection, $"SELECT count(*) FROM {_schema.Table}").ExecuteScalar()!));

    /// <inheritdoc/>
    public override string Model => _schema.Model;

    /// <summary>Whether a text is a connection string rather than a folder: it begins with postgresql:// or names a Host.</summary>
    public static bool IsConnectionString(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return PostgresAddress.Is(text);
    }

    /// <summary>
    /// Opens a store. If the encoder's files are not those that the store was made with, by their stamps, its fingerprint is compared,
    /// which takes the time of reading its weights once. A store that has no stamp yet keeps the encoder's.
    /// </summary>
    /// <param name="connection">
    /// An Npgsql connection string, such as <c>Host=localhost;Database=images;Username=me</c>, or <c>postgresql://me@localhost/images</c>;
    /// with <c>Table=…</c> or <c>?table=…</c> for another table than clip_images. A password may stand in it, in PGPASSWORD or in a
    /// password file (PGPASSFILE).
    /// </param>
    /// <param name="encoder">
    /// The model that made the store; the caller disposes it, after the store. Without it, a store can be searched by embeddings and read,
    /// embeddings can be added, and images removed.
    /// </param>
    /// <param name="options">How files are read; the storage is the store's own.</param>
    /// <param name="graph">How the graph is built and searched.</param>
    /// <exception cref="ArgumentException">The connection string cannot be read, or an option is out of its range.</exception>
    /// <exception cref="FileNotFoundException">There is no such store.</exception>
    /// <exception cref="InvalidDataException">Another model made the store, or its tables contradict their own description.</exception>
    /// <exception cref="IOException">
    /// No server answers, it refuses the login, has no such database, or no pgvector of version 0.5 or later (0.7 for float16); the message
    /// says which.
    /// </exception>
    public static PgVectorImageStore Open(string connection, IClipEncoder? encoder = null, IndexOptions? options = null,
        PgVectorOptions? graph = null) =>
        Connect(PostgresAddress.Parse(connection), null, encoder, options, graph);

    /// <summary>
    /// Opens a store, or creates an empty one: its tables, and the extension if the login may create it. Any number of processes may call
    /// it at once.
    /// </summary>
    /// <inheritdoc cref="Open(string, IClipEncoder?, IndexOptions?, PgVectorOptions?)"/>
    /// <param name="connection">As for <see cref="Open(string, IClipEncoder?, IndexOptions?, PgVectorOptions?)"/>.</param>
    /// <param name="encoder">The model; the caller disposes it, after the store.</param>
    /// <param name="options">How a new store keeps its vectors, and how files are read.</param>
    /// <param name="graph">How the graph is built and searched.</param>
    public static PgVectorImageStore OpenOrCreate(
        string connection, IClipEncoder encoder, IndexOptions? options = null, PgVectorOptions? graph = null)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        var address = PostgresAddress.Parse(connection);
        return Connect(address, () => new PostgresSchema(address, encoder.Width, (options ?? new IndexOptions()).Storage,
            encoder.Fingerprint(), Summary(encoder), encoder.SourceStamp), encoder, options, graph);
    }

    /// <summary>Opens or creates a store for vectors of any origin.</summary>
    internal static PgVectorImageStore Connect(
        string connection, int width, string model, string modelSummary, IndexOptions? options = null, PgVectorOptions? graph = null)
    {
        var address = PostgresAddress.Parse(connection);
        PostgresSchema wanted = new(address, width, (options ?? new IndexOptions()).Storage, model, modelSummary, null);
        return Connect(address, () => wanted, null, options, graph);
    }

    /// <inheritdoc/>
    public override IndexEntry? Find(string id)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return Run(connection =>
        {
            using var row = Command(connection, $"SELECT id, is_file, metadata::text FROM {_schema.Table} WHERE id = $1", id)
                .ExecuteReader();
            return row.Read() ? EntryOf(row) : null;
        });
    }

    /// <inheritdoc/>
    public override float[]? Embedding(string id)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return Run(connection => (float[]?)Command(connection, $"SELECT embedding::real[] FROM {_schema.Table} WHERE id = $1", id)
            .ExecuteScalar());
    }

    /// <inheritdoc/>
    public override int Remove(params IReadOnlyCollection<string> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return ids.Count == 0 ? 0 : Run(connection =>
            Command(connection, $"DELETE FROM {_schema.Table} WHERE id = ANY($1)", (object)ids.ToArray()).ExecuteNonQuery());
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _disposed = true;
        _server.Dispose();
    }

    private protected override string? StoredRoot => _root;

    private protected override IReadOnlyList<SearchResult> SearchAt(
        float[] point, SearchOptions options, CancellationToken cancellationToken)
    {
        int wanted = (int)Math.Min(int.MaxValue, (long)options.Skip + options.Top);
        long most = options.Filter is null ? wanted : Math.Max(MostCandidates, (long)FilteredShare * wanted);
        var (found, whole) = _graph.Exact ? ([], false) : Query(exact: false);
        for (; !whole; most *= FilteredShare) (found, whole) = Query(exact: true);
        return [.. found.Skip(options.Skip)];

        // The results, and whether they are certain to be complete: the approximate graph may leave out images that exist.
        (List<SearchResult>, bool) Query(bool exact) => Run(connection =>
        {
            using var batch = new NpgsqlBatch(connection);
            // Settings for this transaction only; a batch is one transaction.
            if (exact) Set("enable_indexscan", "off");
            else Set("hnsw.ef_search", $"{Math.Clamp(most, _graph.EfSearch, MostCandidates)}");
            if (!exact && _iterative) Set("hnsw.iterative_scan", "strict_order");
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"SELECT id, is_file, metadata::text, 1 - (embedding <=> $1) FROM " +
                $"{_schema.Table} ORDER BY embedding <=> $1 LIMIT $2")
            {
                Parameters = { new() { Value = Value(point) }, new() { Value = most } },
            });
            using var stop = cancellationToken.Register(batch.Cancel);
            using var rows = batch.ExecuteReader();
            while (rows.FieldCount < 4) rows.NextResult();
            var results = new List<SearchResult>();
            long read = 0;
            for (; results.Count < wanted && rows.Read(); read++)
            {
                float score = (float)rows.GetDouble(3);
                if (score < options.MinScore) return (results, true);
                var entry = EntryOf(rows);
                if (options.Filter?.Invoke(entry) != false) results.Add(new SearchResult(entry.Id, entry.Path, score, entry.Metadata));
            }
            return (results, results.Count == wanted || (exact && read < most));

            void Set(string name, string value) =>
                batch.BatchCommands.Add(new NpgsqlBatchCommand(
                    "SELECT set_config($1, $2, true)") { Parameters = { new() { Value = name }, new() { Value = value } } });
        }, cancellationToken);
    }

    private protected override bool[] Commit(float[] vectors, StoredEntry[] entries) => Run(connection =>
    {
        using var transaction = connection.BeginTransaction();
        MakeGraph(connection);
        var replaced = Replace(connection, entries.Select((entry, i) => (vectors.AsMemory(i * Width, Width), entry)),
            CancellationToken.None);
        KeepGivenRoot(connection);
        transaction.Commit();
        _graphMade = true;
        return entries.Select(entry => replaced.Contains(entry.Id)).ToArray();
    });

    /// <summary>
    /// Loads all rows by COPY, in one transaction. In an empty store, the rows come first and the graph is built afterwards, which is many
    /// times faster than the reverse.
    /// </summary>
    internal override int Load(
        IEnumerable<(float[] Vector, StoredEntry Entry)> rows, CancellationToken cancellationToken) => Run(connection =>
    {
        int count = 0;
        using var transaction = connection.BeginTransaction();
        Execute(connection, $"LOCK TABLE {_schema.Table} IN SHARE ROW EXCLUSIVE MODE");
        var counted = rows.Select(row =>
        {
            count++;
            return ((ReadOnlyMemory<float>)row.Vector, row.Entry);
        });
        if ((bool)Command(connection, $"SELECT NOT EXISTS (SELECT FROM {_schema.Table})").ExecuteScalar()!) Copy(
            connection, _schema.Table, counted, cancellationToken);
        else Replace(connection, counted.Select(row => (MemoryMarshal.AsMemory(row.Item1), row.Entry)), cancellationToken);
        Command(connection, "SELECT set_config('maintenance_work_mem', $1, true)", $"{_graph.BuildMegabytes}MB").ExecuteScalar();
        MakeGraph(connection, cancellationToken);
        KeepGivenRoot(connection);
        cancellationToken.ThrowIfCancellationRequested();
        transaction.Commit();
        _graphMade = true;
        return count;
    }, cancellationToken);

    private protected override void Touch(IReadOnlyCollection<(string Id, long Modified)> files) => Run(connection => Command(connection,
        $"UPDATE {_schema.Table} AS image SET modified = file.modified FROM unnest($1::text[], $2::bigint[]) AS file (id, modified) " +
            $"WHERE image.id = file.id",
        files.Select(file => file.Id).ToArray(), files.Select(file => file.Modified).ToArray()).ExecuteNonQuery());

    private protected override Func<string, StoredEntry?> Recall(IReadOnlyCollection<string> ids)
    {
        var known = new Dictionary<string, StoredEntry>(StringComparer.Ordinal);
        foreach (string[] some in ids.Chunk(NamesAtOnce))
        {
            Run(connection =>
            {
                using var row = Command(connection, $"SELECT id, is_file, length, modified, hash FROM {_schema.Table} WHERE id = ANY($1)",
                    (object)some).ExecuteReader();
                while (row.Read())
                {
                    string id = row.GetString(0);
                    known[id] = new StoredEntry { Id = id, IsFile = row.GetBoolean(1), Length = row.GetInt64(2), Modified = row.GetInt64(3),
                        Hash = BinaryPrimitives.ReadUInt128BigEndian(row.GetFieldValue<byte[]>(4)) };
                }
                return true;
            });
        }
        return known.GetValueOrDefault;
    }

    private protected override IReadOnlyList<string> FileIds() => Run(connection =>
    {
        var ids = new List<string>();
        using var row = Command(connection, $"SELECT id FROM {_schema.Table} WHERE is_file").ExecuteReader();
        while (row.Read()) ids.Add(row.GetString(0));
        return ids;
    });

    private protected override void KeepRoot(string folder)
    {
        string root = FullRoot(Options.Root) ?? folder;
        Run(connection =>
        {
            using var transaction = connection.BeginTransaction();
            if (Command(connection, $"UPDATE {_schema.About} SET root = $1 WHERE root IS NULL", root).ExecuteNonQuery() > 0)
                NameUnder(connection, root);
            transaction.Commit();
            return true;
        });
        _root = ReadRoot();
    }

    /// <summary>
    /// Gives files their names under the root that were added before it was one, and so have absolute names; of a file that is there under
    /// both, the absolute one is removed. It stays where an image from memory has the other name.
    /// </summary>
    private void NameUnder(NpgsqlConnection connection, string root)
    {
        var ids = new List<string>();
        string select = $"SELECT id FROM {_schema.Table} WHERE is_file AND starts_with(id, $1)";
        using (var row = Command(connection, select, root).ExecuteReader())
            while (row.Read()) ids.Add(row.GetString(0));
        string[] before = [.. ids.Where(id => IdOf(root, id) != id)], after = [.. before.Select(id => IdOf(root, id))];
        if (before.Length == 0) return;
        const string names = "unnest($1::text[], $2::text[]) AS name (before, after)";
        Command(connection, $"DELETE FROM {_schema.Table} AS image USING {names} WHERE image.id = name.before " +
            $"AND EXISTS (SELECT FROM {_schema.Table} WHERE id = name.after AND is_file)", before, after).ExecuteNonQuery();
        Command(connection, $"UPDATE {_schema.Table} AS image SET id = name.after FROM {names} WHERE image.id = name.before " +
            $"AND NOT EXISTS (SELECT FROM {_schema.Table} WHERE id = name.after)", before, after).ExecuteNonQuery();
    }

    /// <param name="address">Where the store is.</param>
    /// <param name="toMake">
    /// Describes a store to make if there is none. With an encoder it is not called otherwise, since a fingerprint takes long.
    /// </param>
    /// <param name="encoder">The model, which is compared with the store's; null for vectors of any origin.</param>
    /// <param name="options">How files are read.</param>
    /// <param name="graph">How the graph is built and searched.</param>
    private static PgVectorImageStore Connect(PostgresAddress address, Func<PostgresSchema>? toMake, IClipEncoder? encoder,
        IndexOptions? options, PgVectorOptions? graph)
    {
        graph = (graph ?? new PgVectorOptions()).Validated();
        options = Validated(options ?? new IndexOptions());
        PostgresSchema schema;
        try
        {
            // Done before the pool is built, which learns the extension's types from its first connection. This connection is not pooled,
            // so that none stays open.
            using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(
                address.Connection.ConnectionString) { Pooling = false }.ConnectionString);
            connection.Open();
            if (toMake is not null && !PostgresSchema.IsMade(connection, address)) toMake().Make(connection);
            schema = PostgresSchema.Read(connection, address);
        }
        catch (Exception problem) when (problem is NpgsqlException or SocketException)
        {
            throw PostgresProblem.Of(problem, address);
        }
        if (encoder is not null) CheckModel(address.ToString(), schema.Model, schema.ModelSummary, schema.SourceStamp, encoder);
        else if (toMake?.Invoke() is { } wanted)
        {
            if (wanted.Model != schema.Model) throw new InvalidDataException($"The vectors in {address} were made by another model: " +
                $"{schema.ModelSummary}, fingerprint {schema.Model}, not {wanted.Model}. Embeddings of two models cannot be compared. " +
                $"Choose another table: Table=…");
            if (wanted.Width != schema.Width) throw new InvalidDataException(
                $"The vectors in {address} have {schema.Width} values, not {wanted.Width}. Choose another table: Table=…");
        }

        var builder = new NpgsqlDataSourceBuilder(address.Connection.ConnectionString);
        builder.UseVector();
        var server = builder.Build();
        try
        {
            return new PgVectorImageStore(server, schema, encoder, options, graph);
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    private string? ReadRoot() => Run(connection => Command(connection, $"SELECT root FROM {_schema.About}").ExecuteScalar() as string);

    /// <summary>Stores the root that was given on opening: where the images are now.</summary>
    private void KeepGivenRoot(NpgsqlConnection connection)
    {
        if (FullRoot(Options.Root) is not { } root || root == _root) return;
        Command(connection, $"UPDATE {_schema.About} SET root = $1", root).ExecuteNonQuery();
        NameUnder(connection, root);
        _root = root;
    }

    private void MakeGraph(NpgsqlConnection connection, CancellationToken cancellationToken = default)
    {
        if (_graphMade || PostgresSchema.Exists(connection, _schema.Graph)) return;
        // One process builds the graph, and the others wait. The lock that CREATE INDEX itself takes admits several, which would then
        // deadlock.
        Execute(connection, $"LOCK TABLE {_schema.Table} IN SHARE ROW EXCLUSIVE MODE");
        using var command = new NpgsqlCommand(_schema.MakeGraph(_graph), connection) { CommandTimeout = 0 };
        using var stop = cancellationToken.Register(command.Cancel);
        command.ExecuteNonQuery();
    }

    /// <summary>Inserts rows, and replaces those that had the same names.</summary>
    /// <returns>The names that were replaced.</returns>
    private HashSet<string> Replace(NpgsqlConnection connection, IEnumerable<(Memory<float> Vector, StoredEntry Entry)> rows,
        CancellationToken cancellationToken)
    {
        Execute(connection, $"CREATE TEMPORARY TABLE clip_incoming (LIKE {_schema.Table}) ON COMMIT DROP");
        Copy(connection, "clip_incoming", rows.Select(row => ((ReadOnlyMemory<float>)row.Vector, row.Entry)), cancellationToken);
        // Sorted, so that two writers of the same names wait for each other rather than deadlock. xmax is not 0 for a row that replaced
        // another.
        using var command = new NpgsqlCommand($"""
            INSERT INTO {_schema.Table} SELECT * FROM clip_incoming ORDER BY id
            ON CONFLICT (id) DO UPDATE SET (is_file, length, modified, hash, metadata, embedding) =
                (EXCLUDED.is_file, EXCLUDED.length, EXCLUDED.modified, EXCLUDED.hash,
                EXCLUDED.metadata, EXCLUDED.embedding)
            RETURNING id, xmax <> 0
            """, connection) { CommandTimeout = 0 };
        using var stop = cancellationToken.Register(command.Cancel);
        using var row = command.ExecuteReader();
        var replaced = new HashSet<string>(StringComparer.Ordinal);
        while (row.Read())
            if (row.GetBoolean(1)) replaced.Add(row.GetString(0));
        return replaced;
    }

    private void Copy(NpgsqlConnection connection, string table, IEnumerable<(ReadOnlyMemory<float> Vector, StoredEntry Entry)> rows,
        CancellationToken cancellationToken)
    {
        using var importer = connection.BeginBinaryImport($"COPY {table} (id, is_file, length, modified, hash, metadata, embedding) FROM " +
            $"STDIN (FORMAT BINARY)");
        importer.Timeout = TimeSpan.Zero;
        var hash = new byte[16];
        foreach (var (vector, entry) in rows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            BinaryPrimitives.WriteUInt128BigEndian(hash, entry.Hash);
            importer.StartRow();
            importer.Write(entry.Id);
            importer.Write(entry.IsFile);
            importer.Write(entry.Length);
            importer.Write(entry.Modified);
            importer.Write(hash);
            importer.Write(JsonSerializer.Serialize(entry.Metadata), NpgsqlDbType.Jsonb);
            importer.Write(Value(vector));
        }
        importer.Complete();
    }

    private object Value(ReadOnlyMemory<float> vector)
    {
        if (Storage == VectorStorage.Float32) return new Vector(vector);
        var half = new Half[vector.Length];
        for (int i = 0; i < half.Length; i++) half[i] = (Half)vector.Span[i];
        return new HalfVector(half);
    }

    private IndexEntry EntryOf(NpgsqlDataReader row) => Public(StoredOf(row));

    private static StoredEntry StoredOf(NpgsqlDataReader row) => new()
    {
        Id = row.GetString(0),
        IsFile = row.GetBoolean(1),
        Metadata = JsonSerializer.Deserialize<Dictionary<string, string>>(row.GetString(2))!,
    };

    /// <summary>Runs on a connection of its own, and turns failures into this library's exceptions.</summary>
    private T Run<T>(Func<NpgsqlConnection, T> work, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var connection = _server.OpenConnection();
            return work(connection);
        }
        catch (NpgsqlException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception problem) when (problem is NpgsqlException or SocketException)
        {
            throw PostgresProblem.Of(problem, _schema.Address);
        }
    }
}
