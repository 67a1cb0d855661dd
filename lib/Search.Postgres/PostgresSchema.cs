using ClipNotebooks.Search.Storage;
using Npgsql;

namespace ClipNotebooks.Search.Postgres;

/// <summary>A store's tables: one with a row for each image, and one with a single row that names the model that made them.</summary>
/// <param name="Address">Where the store is.</param>
/// <param name="Width">E, the width of an embedding.</param>
/// <param name="Storage">How the vectors are stored.</param>
/// <param name="Model">The fingerprint of the model that made them.</param>
/// <param name="ModelSummary">The model in words, for messages.</param>
/// <param name="SourceStamp">
/// The stamp of the files that the model was opened from; null if it has none, or if none was stored yet.
/// </param>
internal sealed record PostgresSchema(PostgresAddress Address, int Width, VectorStorage Storage, string Model, string ModelSummary,
    string? SourceStamp)
{
    private const int Version = 1;

    /// <summary>
    /// The most bytes of a vector that is stored within its row; PostgreSQL stores a longer one apart (TOAST), which takes a second read.
    /// </summary>
    private const int InPlace = 4096;

    internal string Table => Quoted(Address, "");

    internal string About => Quoted(Address, "_about");

    internal string Graph => Quoted(Address, "_hnsw");

    internal string Type => Storage == VectorStorage.Float16 ? "halfvec" : "vector";

    internal string MakeGraph(PgVectorOptions options) =>
        $"CREATE INDEX IF NOT EXISTS {Graph} ON {Table} USING hnsw (embedding {Type}_cosine_ops) WITH (m = {options.M}, ef_construction " +
            $"= {options.EfConstruction})";

    /// <summary>Whether both tables are there.</summary>
    internal static bool IsMade(NpgsqlConnection connection, PostgresAddress address) =>
        Exists(connection, Quoted(address, "")) && Exists(connection, Quoted(address, "_about"));

    /// <summary>Creates the extension and the tables if they are missing; several processes may call it at once.</summary>
    /// <exception cref="IOException">
    /// The server has no pgvector, or one that is too old, or the tables were not made by this library.
    /// </exception>
    internal void Make(NpgsqlConnection connection)
    {
        using var transaction = connection.BeginTransaction();
        // IF NOT EXISTS alone fails if two processes create the same thing at the same moment.
        Execute(connection, "SELECT pg_advisory_xact_lock(hashtext('clip-notebooks'))");
        if (IsMade(connection, Address)) return;
        try
        {
            Execute(connection, "CREATE EXTENSION IF NOT EXISTS vector");
        }
        catch (PostgresException problem) when (problem.SqlState is PostgresErrorCodes.InsufficientPrivilege
            or PostgresErrorCodes.FeatureNotSupported or PostgresErrorCodes.UndefinedFile)
        {
            throw PostgresProblem.WithoutExtension(problem, Address);
        }
        CheckExtension(connection, Address, Storage);
        if (Exists(connection, Table) != Exists(connection, About)) throw new IOException(
            $"{Address} was not made by this library: {Address.Table}_about does not go with it. Choose another name: Table=…");
        int bytes = Width * (Storage == VectorStorage.Float16 ? 2 : 4);
        Execute(connection, $"""
            CREATE TABLE IF NOT EXISTS {About} (
                single boolean PRIMARY KEY DEFAULT true CHECK (single), version integer NOT NULL, width integer NOT NULL,
                storage text NOT NULL, model text NOT NULL, model_summary text NOT NULL, root text, source_stamp text);
            CREATE TABLE IF NOT EXISTS {Table} (
                id text COLLATE "C" PRIMARY KEY, is_file boolean NOT NULL, length bigint NOT NULL, modified bigint NOT NULL,
                hash bytea NOT NULL, metadata jsonb NOT NULL, embedding {Type}({Width}) NOT NULL);
            """);
        if (bytes <= InPlace) Execute(connection, $"ALTER TABLE {Table} ALTER COLUMN embedding SET STORAGE PLAIN");
        Execute(connection, $"INSERT INTO {About} (version, width, storage, model, model_summary, source_stamp) " +
            $"VALUES ($1, $2, $3, $4, $5, $6)", Version, Width, $"{Storage}", Model, ModelSummary, SourceStamp);
        transaction.Commit();
    }

    /// <summary>
    /// Stores the stamp of a model whose fingerprint is that of a store without a stamp, which an earlier version of the library made, or a
    /// model that had none. Where the server refuses, as it does a login that may only read, the store stays as it is: it is opened all the
    /// same, and by its fingerprint the next time too.
    /// </summary>
    /// <returns>Whether the stamp was stored.</returns>
    internal bool Learn(NpgsqlConnection connection, string stamp)
    {
        try
        {
            using var transaction = connection.BeginTransaction();
            // Adding a column waits for every reader, such as a backup, and makes all later ones wait behind it.
            Execute(connection, "SET LOCAL lock_timeout = '1s'");
            if (!HasStamp(connection)) Execute(connection, $"ALTER TABLE {About} ADD COLUMN IF NOT EXISTS source_stamp text");
            bool stored = Execute(connection, $"UPDATE {About} SET source_stamp = $1 WHERE source_stamp IS NULL AND model = $2",
                stamp, Model) > 0;
            transaction.Commit();
            return stored;
        }
        catch (PostgresException)
        {
            return false;
        }
    }

    /// <summary>Reads the description of an existing store.</summary>
    /// <exception cref="FileNotFoundException">There is no store.</exception>
    /// <exception cref="IOException">pgvector is missing or too old.</exception>
    /// <exception cref="InvalidDataException">The tables are not a store that this library can read.</exception>
    internal static PostgresSchema Read(NpgsqlConnection connection, PostgresAddress address)
    {
        string about = Quoted(address, "_about");
        if (!Exists(connection, about)) throw new FileNotFoundException(
            $"There is no image store in {address}. Make one with " +
            $"{nameof(PgVectorImageStore)}.{nameof(PgVectorImageStore.OpenOrCreate)}, or: clipbook index FOLDER --index \"…\"");
        // As JSON, since the column is missing where an earlier version made the table.
        PostgresSchema schema;
        using (var row = Command(connection, "SELECT version, width, storage, model, model_summary, to_jsonb(about) ->> 'source_stamp' " +
            $"FROM {about} AS about").ExecuteReader())
        {
            if (!row.Read()) throw new InvalidDataException($"{address} is damaged: {address.Table}_about is empty. Drop both tables and " +
                $"index the images again.");
            if (row.GetInt32(0) != Version) throw new InvalidDataException(
                $"{address} is of version {row.GetInt32(0)}; this library reads version {Version}. Index the images again in another " +
                $"table, or use the library that made it.");
            if (!Enum.TryParse<VectorStorage>(row.GetString(2), out var storage)) throw new InvalidDataException(
                $"{address} keeps its vectors in \"{row.GetString(2)}\", which this library does not know.");
            schema = new PostgresSchema(address, row.GetInt32(1), storage, row.GetString(3), row.GetString(4),
                row.IsDBNull(5) ? null : row.GetString(5));
        }
        CheckExtension(connection, address, schema.Storage);
        // The type's modifier is the width: a table that was altered by hand, and contradicts its description, is refused.
        string expected = $"{schema.Type}({schema.Width})", found = $"{Scalar(connection, "SELECT format_type(atttypid, atttypmod) " +
            "FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = 'embedding'", schema.Table)}";
        if (found != expected && !found.EndsWith("." + expected, StringComparison.Ordinal))
            throw new InvalidDataException($"{address} is damaged: its column embedding is {(found.Length == 0 ? "missing" : found)}, " +
                $"and {address.Table}_about speaks of {expected}. Index the images again in another table.");
        return schema;
    }

    internal static Version Extension(NpgsqlConnection connection) =>
        Scalar(connection, "SELECT extversion FROM pg_extension WHERE extname = 'vector'") is string text
            && System.Version.TryParse(text, out var version) ? version : new Version(0, 0);

    /// <summary>A command with the values of $1, $2, …</summary>
    internal static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params object?[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (object? value in values) command.Parameters.AddWithValue(value ?? DBNull.Value);
        return command;
    }

    /// <returns>How many rows were changed.</returns>
    internal static int Execute(NpgsqlConnection connection, string sql, params object?[] values) =>
        Command(connection, sql, values).ExecuteNonQuery();

    /// <returns>The first value of the first row; null if there is no row.</returns>
    internal static object? Scalar(NpgsqlConnection connection, string sql, params object?[] values) =>
        Command(connection, sql, values).ExecuteScalar();

    private static void CheckExtension(NpgsqlConnection connection, PostgresAddress address, VectorStorage storage)
    {
        var version = Extension(connection);
        if (version < PostgresProblem.Least) throw PostgresProblem.TooOld(
            version, PostgresProblem.Least, "a search by its graph (HNSW)", address);
        if (storage == VectorStorage.Float16 && version < PostgresProblem.LeastForHalf) throw PostgresProblem.TooOld(
            version, PostgresProblem.LeastForHalf, "keeping vectors in two bytes a value", address);
    }

    private bool HasStamp(NpgsqlConnection connection) => (bool)Scalar(connection,
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = 'source_stamp' AND NOT attisdropped)",
        About)!;

    internal static bool Exists(NpgsqlConnection connection, string quoted) =>
        (bool)Scalar(connection, "SELECT to_regclass($1) IS NOT NULL", quoted)!;

    private static string Quoted(PostgresAddress address, string suffix) => $"\"{address.Table}{suffix}\"";
}
