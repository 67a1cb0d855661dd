using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Tests;

/// <summary>
/// The PostgreSQL server of the tests: the one that <c>CLIP_TEST_POSTGRES</c> names, or PGlite, a PostgreSQL with pgvector that runs in
/// Node. <c>tests/Search.Tests/Postgres/Server/server.mjs</c> gives PGlite the network protocol, and ends with this process.
/// </summary>
internal static class TestServer
{
    private const string Variable = "CLIP_TEST_POSTGRES", Folder = "tests/Search.Tests/Postgres/Server";

    /// <summary>How long PGlite may take to start: usually a second or two, but more on a busy machine.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly Lazy<(string? Connection, string Problem)> Found = new(Find);

    /// <summary>The connection string of a login that may make databases and roles. Skips the test where there is no server.</summary>
    internal static string Connection
    {
        get
        {
            var (connection, problem) = Found.Value;
            Assert.SkipWhen(connection is null, problem);
            return connection!;
        }
    }

    private static (string?, string) Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given) return (given, "");
        string folder = Path.Combine(Lesson.Repository, Folder);
        string cure = $"Run npm ci --prefix {Folder}, or let {Variable} be the connection string of a server with pgvector, of a login " +
            "that may make databases.";
        if (!Directory.Exists(Path.Combine(folder, "node_modules")))
            return (null, $"PGlite, the tests' PostgreSQL, is not installed. {cure}");
        var start = new ProcessStartInfo("node", "server.mjs")
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        Process server;
        try
        {
            server = Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            return (null, $"There is no node on the path, in which PGlite runs. {cure}");
        }
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Kill();
        var said = new ConcurrentQueue<string>();
        server.ErrorDataReceived += (_, line) => said.Enqueue(line.Data ?? "");
        server.BeginErrorReadLine();
        var port = server.StandardOutput.ReadLineAsync();
        if (port.Wait(Patience) && port.Result is { } number)
            return ($"Host=127.0.0.1;Port={number};Username=postgres;Database=postgres", "");
        throw new InvalidOperationException($"The tests' PostgreSQL did not start: {string.Join('\n', said)}");
    }
}
