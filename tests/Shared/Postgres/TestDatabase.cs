using Npgsql;

namespace ClipNotebooks.Tests;

/// <summary>A separate database on the tests' server, dropped after the test.</summary>
internal sealed class TestDatabase : IDisposable
{
    private readonly NpgsqlConnectionStringBuilder _server;

    internal TestDatabase()
    {
        _server = new NpgsqlConnectionStringBuilder(TestServer.Connection) { Pooling = false };
        Name = $"clip_test_{Guid.NewGuid():N}";
        Execute(_server.ConnectionString, $"CREATE DATABASE {Name}");
    }

    internal string Name { get; }

    /// <summary>The connection string as a user would write it, with pooling: without it, each search would log in anew.</summary>
    internal string Connection => With(_ => { });

    internal string With(Action<NpgsqlConnectionStringBuilder> change)
    {
        var own = new NpgsqlConnectionStringBuilder(_server.ConnectionString) { Database = Name, Pooling = true };
        change(own);
        return own.ConnectionString;
    }

    internal void Execute(string sql) => Execute(With(own => own.Pooling = false), sql);

    internal List<string> Lines(string sql)
    {
        using var connection = new NpgsqlConnection(With(own => own.Pooling = false));
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        using var row = command.ExecuteReader();
        var lines = new List<string>();
        while (row.Read()) lines.Add($"{row.GetValue(0)}");
        return lines;
    }

    public void Dispose() => Execute(_server.ConnectionString, $"DROP DATABASE {Name} WITH (FORCE)");

    private static void Execute(string server, string sql)
    {
        using var connection = new NpgsqlConnection(server);
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }
}
