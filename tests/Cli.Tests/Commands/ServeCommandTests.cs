using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Pages;
using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>The book on loopback: what it answers, whom it does not answer, and a page that follows its lesson.</summary>
public sealed class ServeCommandTests
{
    private static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    private static string Book(TemporaryFolder folder)
    {
        string book = Path.Combine(folder.Path, "book"), path = folder.Write("01-a.dib", "#!markdown\n# One");
        folder.Write("secret.html", "secret");
        BookWriter.Write([new(path, Notebook.Load(path), [], [], 1)], book);
        return book;
    }

    [Fact]
    public async Task Pages_come_with_their_types_and_follow_their_files_and_the_book_on_disk_is_as_it_was()
    {
        using TemporaryFolder folder = new();
        string book = Book(folder);
        await using BookServer server = await BookServer.StartAsync(book, 0, Soon);
        using HttpClient client = new() { BaseAddress = server.Address };
        foreach (var (path, type) in new[] { ("/", "text/html"), ("/01-a.html", "text/html"), ("/book.css", "text/css"),
            ("/book.js", "text/javascript"), ("/lessons.en.js", "text/javascript"), ("/-/serve.js", "text/javascript") })
        {
            using HttpResponseMessage answer = await client.GetAsync(path, Soon);
            Assert.Equal((HttpStatusCode.OK, type, "utf-8"),
                (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType, answer.Content.Headers.ContentType.CharSet));
            Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Equal(type == "text/html", (await answer.Content.ReadAsStringAsync()).Contains("/-/serve.js", StringComparison.Ordinal));
        }
        Assert.DoesNotContain("serve.js", await File.ReadAllTextAsync(Path.Combine(book, "01-a.html")));
        Assert.False(File.Exists(Path.Combine(book, "serve.js")));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await client.PostAsync("/", null, Soon)).StatusCode);
    }

    [Theory]
    [InlineData("/../secret.html")]
    [InlineData("/%2e%2e/secret.html")]
    [InlineData("/..%2fsecret.html")]
    [InlineData("/..%5csecret.html")]
    [InlineData("/x/../../secret.html")]
    [InlineData("//etc/passwd")]
    [InlineData("/secret.html%00.html")]
    [InlineData("/.html")]
    [InlineData("/01-a.dib")]
    [InlineData("/-/events/../../../secret.html")]
    public async Task Nothing_outside_the_book_is_served(string path)
    {
        using TemporaryFolder folder = new();
        await using BookServer server = await BookServer.StartAsync(Book(folder), 0, Soon);
        string answer = await RawAsync(server.Address, $"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        Assert.Matches("^HTTP/1.1 40[04] ", answer);
        Assert.DoesNotContain("secret\n", answer + "\n");
    }

    [Theory]
    [InlineData("127.0.0.1", 200)]
    [InlineData("localhost:8470", 200)]
    [InlineData("LOCALHOST", 200)]
    [InlineData("attacker.example", 421)]
    [InlineData("127.0.0.1.attacker.example", 421)]
    [InlineData("localhost.attacker.example:8470", 421)]
    [InlineData("", 421)]
    public async Task Another_name_for_this_machine_is_not_answered(string host, int expected)
    {
        using TemporaryFolder folder = new();
        await using BookServer server = await BookServer.StartAsync(Book(folder), 0, Soon);
        foreach (string path in new[] { "/01-a.html", "/book.css", "/-/serve.js" })
            Assert.StartsWith($"HTTP/1.1 {expected} ", await RawAsync(server.Address, $"GET {path} HTTP/1.1\r\nHost: " +
                $"{host}\r\nConnection: close\r\n\r\n"));
    }

    [Fact]
    public async Task It_listens_on_loopback_alone_and_a_taken_port_is_said()
    {
        using TemporaryFolder folder = new();
        string book = Book(folder);
        await using BookServer server = await BookServer.StartAsync(book, 0, Soon);
        Assert.Equal("127.0.0.1", server.Address.Host);
        var listening = System.Net.NetworkInformation.IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners()
            .Where(end => end.Port == server.Address.Port).ToList();
        Assert.NotEmpty(listening);
        Assert.All(listening, end => Assert.True(IPAddress.IsLoopback(end.Address)));
        UserError taken = await Assert.ThrowsAsync<UserError>(() => BookServer.StartAsync(book, server.Address.Port, Soon));
        Assert.Contains($"Port {server.Address.Port}", taken.Message);
        Assert.Contains("--port 0", taken.Message);
    }

    [Fact]
    public async Task A_HEAD_request_for_the_news_ends_with_its_headers()
    {
        using TemporaryFolder folder = new();
        await using BookServer server = await BookServer.StartAsync(Book(folder), 0, Soon);
        string answer = await RawAsync(server.Address,
            "HEAD /-/events?page=01-a HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", answer);
        Assert.Contains("Content-Type: text/event-stream\r\n", answer);
        Assert.EndsWith("\r\n\r\n", answer);
    }

    [Fact]
    public async Task A_taken_port_is_said_before_a_lesson_is_run()
    {
        using TemporaryFolder folder = new();
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        string ran = Path.Combine(folder.Path, "ran"), book = Path.Combine(folder.Path, "book"),
            lesson = folder.Write("01-a.dib", $"#!csharp\nSystem.IO.File.WriteAllText(@\"{ran}\", \"\");"),
            port = ((IPEndPoint)taken.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        var (code, _, error) = await Clipbook.RunAsync("serve", lesson, "--port", port, "--output", book);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains($"Port {port}", error);
        Assert.False(File.Exists(ran));
        Assert.Equal([lesson], Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task While_the_lessons_run_for_the_first_time_the_open_page_says_so_and_becomes_the_book()
    {
        using TemporaryFolder folder = new();
        string go = Path.Combine(folder.Path, "go"), lesson = folder.Write("01-a.dib", Waiting(folder, "as it was"));
        using CancellationTokenSource stop = new();
        await using Serving serving = new(stop, "serve", lesson, "--port", "0", "--output", Path.Combine(folder.Path, "book"));
        using HttpClient client = new() { BaseAddress = await serving.AddressAsync() };
        foreach (string page in new[] { "/", "/01-a.html" })
        {
            using HttpResponseMessage answer = await client.GetAsync(page, Soon);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "text/html"),
                (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
            string html = await answer.Content.ReadAsStringAsync();
            Assert.Contains("run for the first time", html);
            Assert.Contains($"data-page=\"{(page == "/" ? "index" : "01-a")}\" data-version=\"pending\"", html);
        }
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/book.css", Soon)).StatusCode);

        using StreamReader news = new(await client.GetStreamAsync("/-/events?page=index", Soon));
        var (before, _) = await UntilAsync(news, heard => heard.Status == "0 / 1");
        Assert.Equal("pending", before);
        await File.WriteAllTextAsync(go, "");
        await UntilAsync(news, heard => heard.Version != before && heard.Status.Length == 0);
        Assert.Contains("01-a.html", await client.GetStringAsync("/", Soon));
        Assert.Contains("as it was", await client.GetStringAsync("/01-a.html", Soon));
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/none.html", Soon)).StatusCode);
    }

    [Fact]
    public async Task A_lesson_that_is_changed_while_it_runs_for_the_first_time_is_run_again()
    {
        using TemporaryFolder folder = new();
        string lesson = folder.Write("01-a.dib", Waiting(folder, "as it was"));
        using CancellationTokenSource stop = new();
        await using Serving serving = new(stop, "serve", lesson, "--port", "0", "--output", Path.Combine(folder.Path, "book"));
        using HttpClient client = new() { BaseAddress = await serving.AddressAsync() };
        await ThereAsync(Path.Combine(folder.Path, "started"));
        await File.WriteAllTextAsync(lesson, "#!csharp\n\"as it is\"");
        using StreamReader news = new(await client.GetStreamAsync("/-/events?page=01-a", Soon));
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "go"), "");
        string version = (await UntilAsync(news, heard => heard.Version is not ("pending" or ""))).Version;
        if (!(await client.GetStringAsync("/01-a.html", Soon)).Contains("as it is", StringComparison.Ordinal))
            await UntilAsync(news, heard => heard.Version != version);
        Assert.Contains("as it is", await client.GetStringAsync("/01-a.html", Soon));
    }

    [Fact]
    public async Task Nothing_is_left_where_the_first_run_is_stopped()
    {
        using TemporaryFolder folder = new();
        string lesson = folder.Write("01-a.dib", Waiting(folder, "never"));
        using CancellationTokenSource stop = new();
        await using Serving serving = new(stop, "serve", lesson, "--port", "0", "--output", Path.Combine(folder.Path, "book"));
        await ThereAsync(Path.Combine(folder.Path, "started"));
        await stop.CancelAsync();
        Assert.Equal(ExitCode.Cancelled, await serving.Code.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal([lesson, Path.Combine(folder.Path, "started")], Directory.GetFileSystemEntries(folder.Path).Order());
    }

    /// <summary>A lesson that makes a file "started" and ends when a file "go" is there.</summary>
    private static string Waiting(TemporaryFolder folder, string says) => $"""
        #!csharp
        System.IO.File.WriteAllText(@"{Path.Combine(folder.Path, "started")}", "");
        while (!System.IO.File.Exists(@"{Path.Combine(folder.Path, "go")}")) System.Threading.Thread.Sleep(20);
        "{says}"
        """;

    private static async Task ThereAsync(string file)
    {
        for (var soon = Soon; !File.Exists(file);)
            await Task.Delay(20, soon);
    }

    [Fact]
    public async Task A_lesson_that_changes_is_run_again_alone_and_its_open_page_hears_of_it_failures_too()
    {
        using TemporaryFolder folder = new();
        string first = folder.Write("01-a.dib", "#!csharp\n\"as it was\""), second = folder.Write("02-b.dib", "#!csharp\n2"),
            book = Path.Combine(folder.Path, "book");
        using CancellationTokenSource stop = new();
        await using Serving serving = new(stop, "serve", first, second, "--port", "0", "--output", book);
        using HttpClient client = new() { BaseAddress = await serving.BookAddressAsync() };
        Assert.Contains("as it was", await client.GetStringAsync("/01-a.html", Soon));
        DateTime untouched = File.GetLastWriteTimeUtc(Path.Combine(book, "02-b.html"));

        using StreamReader news = new(await client.GetStreamAsync("/-/events?page=01-a", Soon));
        var (before, _) = await NextAsync(news);
        await File.WriteAllTextAsync(first, "#!csharp\nthrow new Exception(\"</pre><script>broken\");");
        var (after, status) = await UntilAsync(news, heard => heard.Version != before);
        string page = await client.GetStringAsync("/01-a.html", Soon);
        Assert.Contains("&lt;/pre&gt;&lt;script&gt;broken", page);
        Assert.Contains($"data-version=\"{after}\"", page);
        if (!status.Contains("1 failure", StringComparison.Ordinal))
            await UntilAsync(news, heard => heard.Status.Contains("1 failure", StringComparison.Ordinal));
        Assert.Equal(untouched, File.GetLastWriteTimeUtc(Path.Combine(book, "02-b.html")));

        await stop.CancelAsync();
        Assert.Equal(ExitCode.Cancelled, await serving.Code.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Null(await Record.ExceptionAsync(async () => await news.ReadToEndAsync(Soon)));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => client.GetStringAsync("/", Soon));
    }

    private static async Task<(string Version, string Status)> NextAsync(StreamReader news)
    {
        while (await news.ReadLineAsync(Soon) is { } line)
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                using JsonDocument heard = JsonDocument.Parse(line[6..]);
                return (heard.RootElement.GetProperty("version").GetString()!, heard.RootElement.GetProperty("status").GetString()!);
            }
        throw new EndOfStreamException();
    }

    private static async Task<(string Version, string Status)> UntilAsync(
        StreamReader news, Func<(string Version, string Status), bool> enough)
    {
        while (true)
            if (await NextAsync(news) is var heard && enough(heard))
                return heard;
    }

    private static async Task<string> RawAsync(Uri address, string request)
    {
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, address.Port, Soon);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), Soon);
        using StreamReader reader = new(stream);
        return await reader.ReadToEndAsync(Soon);
    }
}
