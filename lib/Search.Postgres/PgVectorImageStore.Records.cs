using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text.Json;
using ClipNotebooks.Search.Rows;
using ClipNotebooks.Search.Storage;
using Npgsql;
using NpgsqlTypes;
using Pgvector;
using static ClipNotebooks.Search.Postgres.PostgresSchema;

namespace ClipNotebooks.Search.Postgres;

// The tables as records: filters, order and pages are the server's work.
public sealed partial class PgVectorImageStore
{
    /// <summary>Rows in one round trip.</summary>
    private const int RowsAtOnce = 1000;

    /// <inheritdoc/>
    internal override async Task<IReadOnlyList<Row>> QueryAsync(RowQuery query, CancellationToken cancellationToken)
    {
        if (query.Point is null || _graph.Exact) return (await Query(exact: true).ConfigureAwait(false)).Rows;
        var (found, isWhole) = await Query(exact: false).ConfigureAwait(false);
        // The approximate graph may have left out rows that exist.
        return isWhole ? found : (await Query(exact: true).ConfigureAwait(false)).Rows;

        Task<(IReadOnlyList<Row> Rows, bool IsWhole)> Query(bool exact) =>
            RunAsync(connection => QueryAsync(connection, query, exact, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    internal override Task<int> RemoveAsync(IReadOnlyCollection<string> ids, CancellationToken cancellationToken) => RunAsync(
        async connection =>
        {
            await using var command = Command(connection, $"DELETE FROM {_schema.Table} WHERE id = ANY($1)", (object)ids.ToArray());
            return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }, cancellationToken);

    /// <inheritdoc/>
    internal override Task<int> DeleteAsync(CancellationToken cancellationToken) => RunAsync(async connection =>
    {
        await using var command = Command(connection, $"DROP TABLE {_schema.About}, {_schema.Table}");
        return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }, cancellationToken);

    /// <inheritdoc/>
    private protected override async Task<int> CommitAsync(float[] vectors, StoredEntry[] entries, CancellationToken cancellationToken)
    {
        if (!_graphMade) await Task.Run(() => Commit([], []), cancellationToken).ConfigureAwait(false);
        return await RunAsync(async connection =>
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            // Sorted, so that two writers of the same names wait for each other rather than deadlock.
            var inOrder = Enumerable.Range(0, entries.Length).OrderBy(i => entries[i].Id, StringComparer.Ordinal);
            foreach (int[] some in inOrder.Chunk(RowsAtOnce))
            {
                await using var batch = new NpgsqlBatch(connection, transaction);
                foreach (int i in some) batch.BatchCommands.Add(Upsert(entries[i], vectors.AsMemory(i * Width, Width)));
                await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            }
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
            return entries.Length;
        }, cancellationToken).ConfigureAwait(false);
    }

    private NpgsqlBatchCommand Upsert(StoredEntry entry, ReadOnlyMemory<float> vector)
    {
        var hash = new byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(hash, entry.Hash);
        return new($"""
            INSERT INTO {_schema.Table} (id, is_file, length, modified, hash, metadata, embedding) VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (id) DO UPDATE SET (is_file, length, modified, hash, metadata, embedding) =
                (EXCLUDED.is_file, EXCLUDED.length, EXCLUDED.modified, EXCLUDED.hash, EXCLUDED.metadata, EXCLUDED.embedding)
            """)
        {
            Parameters =
            {
                new() { Value = entry.Id }, new() { Value = entry.IsFile }, new() { Value = entry.Length },
                new() { Value = entry.Modified }, new() { Value = hash },
                new() { Value = JsonSerializer.Serialize(entry.Metadata), NpgsqlDbType = NpgsqlDbType.Jsonb },
                new() { Value = Value(vector) },
            },
        };
    }

    /// <returns>The rows, and whether they are certain to be complete.</returns>
    private async Task<(IReadOnlyList<Row> Rows, bool IsWhole)> QueryAsync(
        NpgsqlConnection connection, RowQuery query, bool exact, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        // Settings for this transaction only; a batch is one transaction.
        if (query.Point is not null && exact) Set("enable_indexscan", "off");
        else if (query.Point is not null)
            Set("hnsw.ef_search", $"{Math.Clamp((long)query.Skip + query.Top, _graph.EfSearch, MostCandidates)}");
        if (!exact && _iterative) Set("hnsw.iterative_scan", "strict_order");
        var select = new NpgsqlBatchCommand();
        var sql = new SqlFilter(select.Parameters);
        string point = query.Point is { } given ? sql.Parameter(Value(given)) : "";
        string where = query.Filter is { } filter ? $" WHERE {sql.Of(filter)}" : "";
        string order = query.Point is not null ? $"embedding <=> {point}" : string.Concat(query.Order.Select(
            by => SqlFilter.Order(by.Field, by.Ascending))) + "id";
        select.CommandText = $"SELECT id, is_file, metadata::text, {(query.Point is null ? "0::float8" : $"1 - (embedding <=> {point})")}" +
            $"{(query.Vectors ? ", embedding" : "")} FROM {_schema.Table}{where} ORDER BY {order} LIMIT {sql.Parameter((long)query.Top)} " +
            $"OFFSET {sql.Parameter((long)query.Skip)}";
        batch.BatchCommands.Add(select);
        await using var row = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (row.FieldCount < 4) await row.NextResultAsync(cancellationToken).ConfigureAwait(false);
        var rows = new List<Row>();
        while (await row.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            float score = (float)row.GetDouble(3);
            if (query.Point is not null && score < query.MinScore) return (rows, true);
            rows.Add(new Row(StoredOf(row), query.Vectors ? Floats(row.GetValue(4)) : null, score));
        }
        return (rows, exact || rows.Count == query.Top);

        void Set(string name, string value) => batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT set_config($1, $2, true)")
        {
            Parameters = { new() { Value = name }, new() { Value = value } },
        });
    }

    private static float[] Floats(object vector) =>
        vector is HalfVector half ? [.. half.ToArray().Select(value => (float)value)] : ((Vector)vector).ToArray();

    /// <summary>As <see cref="Run"/>, without blocking a thread.</summary>
    private async Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        try
        {
            await using var connection = await _server.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            return await work(connection).ConfigureAwait(false);
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
