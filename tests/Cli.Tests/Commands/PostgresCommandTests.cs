using System.Text.Json;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook;
using Npgsql;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>`index`, `search` and `merge` with a connection string where a folder's path may stand.</summary>
public sealed class PostgresCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TestDatabase _database = new();

    private NpgsqlConnectionStringBuilder Server => new(_database.Connection);

    /// <summary>A server that asks for no password gets one all the same, so that it can be looked for in what is said.</summary>
    private string Password => Server.Password ?? "not-to-be-said";

    public void Dispose()
    {
        _database.Dispose();
        _folder.Dispose();
    }

    private string Place(string table) =>
        $"postgresql://{Uri.EscapeDataString(Server.Username!)}:{Uri.EscapeDataString(Password)}" +
        $"@{Server.Host}:{Server.Port}/{Server.Database}?table={table}";

    private async Task<string> RunAsync(params string[] arguments)
    {
        var (code, output, error) = await Clipbook.RunAsync(arguments);
        Assert.True(code == ExitCode.Success, error);
        Assert.DoesNotContain($":{Password}@", output + error, StringComparison.Ordinal);
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
        Assert.Contains($"{count} added", await RunAsync("index", photos, "--index", Place("photos")), StringComparison.Ordinal);
        Assert.Contains($"{count} unchanged", await RunAsync("index", photos, "--index", Place("photos")), StringComparison.Ordinal);
        await RunAsync("index", photos, "--index", index);
        string[] expected = await FoundAsync(index);
        Assert.Equal("sunset-over-the-ocean.png", expected[0]);
        Assert.Equal(expected, await FoundAsync(Place("photos")));

        var merged = JsonDocument.Parse(await RunAsync("merge", index, "--index", Place("merged"), "--json")).RootElement;
        Assert.Equal(count, merged.GetProperty("images").GetInt32());
        Assert.Equal($"the table merged of the database {Server.Database} on {Server.Host}:{Server.Port}",
            merged.GetProperty("index").GetString());
        Assert.Equal(expected, await FoundAsync(Place("merged")));

        var (code, _, error) = await Clipbook.RunAsync("merge", index, "--index", Place("merged"));
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains($"holds {count} images already", error, StringComparison.Ordinal);
    }
}
