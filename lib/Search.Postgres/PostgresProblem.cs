using System.Net.Sockets;
using Npgsql;

namespace ClipNotebooks.Search.Postgres;

/// <summary>Turns errors of the server or its driver into messages for the store's user.</summary>
internal static class PostgresProblem
{
    /// <summary>pgvector's first version with HNSW, and the first with two-byte vectors.</summary>
    internal static readonly Version Least = new(0, 5), LeastForHalf = new(0, 7);

    /// <summary>The first version that goes on searching if a filter or dead rows leave too few results.</summary>
    internal static readonly Version Iterative = new(0, 8);

    internal static IOException Of(Exception problem, PostgresAddress address) => new((problem, problem.InnerException) switch
    {
        (PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } refused,
            _) =>
            $"{address.Server} refuses the login of {address.Connection.Username}: {refused.MessageText}. Give Username and Password in " +
                $"the connection string, or PGUSER and PGPASSWORD in the environment.",
        (NpgsqlException, null) when problem.Message.StartsWith("No password", StringComparison.Ordinal) =>
            $"{address.Server} asks for a password of {address.Connection.Username}. Give it in PGPASSWORD, in a password file " +
                $"(PGPASSFILE), or as Password in the connection string.",
        (PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } missing, _) =>
            $"{address.Server} has no such database: {missing.MessageText}. Make it: createdb {address.Connection.Database}",
        (PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } refused, _) =>
            $"{address.Connection.Username} may not do this in {address}: {refused.MessageText}.",
        (PostgresException { SqlState: PostgresErrorCodes.DiskFull } full, _) =>
            $"The server has no room for {address}: {full.MessageText}. In a container the shared memory may be what is full: raise its " +
                $"shm_size.",
        (PostgresException { SqlState: PostgresErrorCodes.ProgramLimitExceeded } tooLong, _) =>
            $"{address} cannot take an image: {tooLong.MessageText}. Names of images may have some 2,600 bytes.",
        (PostgresException { SqlState: PostgresErrorCodes.UntranslatableCharacter or PostgresErrorCodes.CharacterNotInRepertoire } text,
            _) =>
            $"{address} cannot take an image: {text.MessageText}. Names and metadata must be text without the character 0.",
        (PostgresException other, _) => $"{address}: {other.MessageText} ({other.SqlState}).",
        (SocketException, _) or (_, SocketException or TimeoutException) =>
            $"No PostgreSQL server answers at {address.Server}: {(problem.InnerException ?? problem).Message}. Is it running? " +
                $"environment/README.md says how to start one in a container.",
        _ => $"{address}: {problem.Message} {problem.InnerException?.Message}".TrimEnd(),
    }, problem);

    internal static IOException WithoutExtension(PostgresException problem, PostgresAddress address) =>
        new(problem.SqlState == PostgresErrorCodes.InsufficientPrivilege
        ? $"The database {address.Connection.Database} on {address.Server} lacks the extension pgvector, and " +
            $"{address.Connection.Username} may not add it: {problem.MessageText}. Let its owner run: CREATE EXTENSION vector"
        : $"The server {address.Server} lacks the extension pgvector: {problem.MessageText}. Install pgvector {Least} or later there, or " +
            $"take the container of environment/README.md, which has it.", problem);

    internal static IOException TooOld(Version version, Version least, string what, PostgresAddress address) => new(
        $"The database {address.Connection.Database} on {address.Server} has pgvector {version}, and {what} needs {least} or later. " +
            $"Install a later one and run: ALTER EXTENSION vector UPDATE");
}
