using System.Text.Json;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook;
using Npgsql;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>`index`, `search` and `merge` with a connection string where a folder's path may stand.</summary>
public sealed class PostgresCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly NpgsqlConnectionStringBuilder _server;
    private readonly string _table = $"clip_test_{Guid.NewGuid():N}";

    public PostgresCommandTests()
    {
        if (Environment.GetEnvironmentVariable("CLIP_TEST_POSTGRES") is not { Length: > 0 } server)
        {
            Assert.Skip("clipbook on PostgreSQL is tested where CLIP_TEST_POSTGRES is the connection string of a server with pgvector.");
            throw new InvalidOperationException();
        }
        _server = new NpgsqlConnectionStringBuilder(server);
    }

    public void Dispose()
    {
        _folder.Dispose();
        using var connection = new NpgsqlConnection(_server.ConnectionString);
        connection.Open();
        using var command = new NpgsqlCommand($"DROP TABLE IF EXISTS {_table}, {_table}_about, {_table}_2, {_table}_2_about", connection);
        command.ExecuteNonQuery();
    }

    private string Place(string suffix = "") =>
        $"postgresql://{Uri.EscapeDataString(_server.Username!)}:{Uri.EscapeDataString(_server.Password ?? "")}" +
        $"@{_server.Host}:{_server.Port}/{_server.Database}?table={_table}{suffix}";

    private async Task<string> RunAsync(params string[] arguments)
    {
        var (code, output, error) = await Clipbook.RunAsync(arguments);
        Assert.True(code == ExitCode.Success, error);
        Assert.DoesNotContain($":{_server.Password}@", output + error, StringComparison.Ordinal);
        Assert.DoesNotContain("Password", output + error, StringComparison.OrdinalIgnoreCase);
        return output;
    }

    private async Task<string[]> FoundAsync(string place) =>
        [.. JsonDocument.Parse(await RunAsync("search", "a sunset over the ocean", "--top", "5", "--index", place, "--json"))
        .RootElement.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("id").GetString()!)];

    [Fact]
    public async Task A_folder_is_indexed_and_searched_in_PostgreSQL_and_an_index_is_brought_there()
    {
        string photos = Path.Combine(Lesson.Data, "images"), index = Path.Combine(_folder.Path, "index");
        int count = Directory.GetFiles(photos, "*.png").Length;
        Assert.Contains($"{count} added", await RunAsync("index", photos, "--index", Place()), StringComparison.Ordinal);
        Assert.Contains($"{count} unchanged", await RunAsync("index", photos, "--index", Place()), StringComparison.Ordinal);
        await RunAsync("index", photos, "--index", index);
        string[] expected = await FoundAsync(index);
        Assert.Equal("sunset-over-the-ocean.png", expected[0]);
        Assert.Equal(expected, await FoundAsync(Place()));

        var merged = JsonDocument.Parse(await RunAsync("merge", index, "--index", Place("_2"), "--json")).RootElement;
        Assert.Equal(count, merged.GetProperty("images").GetInt32());
        Assert.Equal($"the table {_table}_2 of the database {_server.Database} on {_server.Host}:{_server.Port}",
            merged.GetProperty("index").GetString());
        Assert.Equal(expected, await FoundAsync(Place("_2")));

        var (code, _, error) = await Clipbook.RunAsync("merge", index, "--index", Place("_2"));
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains($"holds {count} images already", error, StringComparison.Ordinal);
    }
}
