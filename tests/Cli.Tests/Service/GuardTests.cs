using System.Net;
using System.Net.NetworkInformation;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests.Service;

/// <summary>Whom the service answers, and how it begins and ends.</summary>
public sealed class GuardTests
{
    private const string Key = "a-key-of-32-letters-for-the-test";

    [Fact]
    public async Task On_loopback_other_names_of_this_machine_and_pages_of_other_sites_are_not_answered()
    {
        await using var service = await RunningService.StartAsync();
        var listening = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners()
            .Where(end => end.Port == service.Server.Address.Port).ToList();
        Assert.NotEmpty(listening);
        Assert.All(listening, end => Assert.True(IPAddress.IsLoopback(end.Address)));
        int port = service.Server.Address.Port;
        (string Headers, int Status)[] cases =
        [
            ($"Host: 127.0.0.1:{port}", 200), ("Host: LOCALHOST", 200), ("Host: attacker.example", 421),
            ("Host: localhost.attacker.example", 421), ("Host:", 421), ($"Host: localhost:{port}\r\nOrigin: http://localhost:{port}", 200),
            ("Host: localhost\r\nOrigin: https://localhost", 200),
            ("Host: localhost\r\nOrigin: https://attacker.example", 403), ("Host: localhost\r\nOrigin: null", 403),
            ($"Host: localhost:{port}\r\nOrigin: http://127.0.0.1:{port}", 403), ("Host: localhost\r\nSec-Fetch-Site: cross-site", 403),
            ("Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate", 200),
        ];
        foreach (var (headers, status) in cases)
        {
            string answer = await service.RawAsync($"GET /health HTTP/1.1\r\n{headers}\r\nConnection: close\r\n\r\n");
            Assert.True(answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal), headers + "\n" + answer);
            Assert.DoesNotContain("Access-Control", answer, StringComparison.OrdinalIgnoreCase);
        }
        using var found = await service.Client.GetAsync("/v1/facets");
        Assert.Equal("nosniff", found.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("same-origin", found.Headers.GetValues("Cross-Origin-Resource-Policy").Single());
        Assert.StartsWith("default-src 'none'; script-src 'self';", found.Headers.GetValues("Content-Security-Policy").Single(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_there_is_a_key_all_but_the_page_itself_and_its_health_need_it()
    {
        await using var service = await RunningService.StartAsync(new() { Key = Key });
        var client = service.Client;
        Assert.True((await client.GetAsync("/health").SuccessAsync()).GetProperty("needsKey").GetBoolean());
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/")).StatusCode);
        foreach (string path in new[] { "/v1/facets", "/openapi/v1.json", "/v1/images/original?id=cat.png", "/nowhere" })
        {
            await client.GetAsync(path).ProblemAsync(401, "Authorization: Bearer");
            foreach (string wrong in new[] { "", "wrong", Key + "x", Key[..^1], Key.ToUpperInvariant() })
            {
                using HttpRequestMessage request = new(HttpMethod.Get, path);
                request.Headers.TryAddWithoutValidation("X-Api-Key", wrong);
                await client.SendAsync(request).ProblemAsync(401);
            }
        }
        foreach (var (name, value) in new[] { ("Authorization", "Bearer " + Key), ("X-Api-Key", Key) })
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "/v1/facets");
            request.Headers.TryAddWithoutValidation(name, value);
            await client.SendAsync(request).SuccessAsync();
        }
        // What a page of another site does with a key that its reader's browser would send is refused before the key is looked at.
        using HttpRequestMessage other = new(HttpMethod.Delete, "/v1/images?id=cat.png");
        other.Headers.Add("X-Api-Key", Key);
        other.Headers.Add("Origin", "https://attacker.example");
        await client.SendAsync(other).ProblemAsync(403);
    }

    [Theory]
    [InlineData("--host 0.0.0.0", "--key-file")]
    [InlineData("--host 0.0.0.0 --key-file KEYS/short", "too short")]
    [InlineData("--key-file KEYS/none", "there is no such file")]
    [InlineData("--host elsewhere.example", "an address of this machine")]
    [InlineData("--uploads here", "--index")]
    [InlineData("--port 70000", "--port 70000")]
    [InlineData("--language ko", "--language")]
    public async Task What_makes_no_service_is_said_before_it_begins(string arguments, string words)
    {
        using TemporaryFolder folder = new();
        folder.Write("short", "0123456789");
        var (code, output, error) = await Clipbook.RunAsync(
            ["serve", "--api", .. arguments.Replace("KEYS", folder.Path, StringComparison.Ordinal).Split(' ')]);
        Assert.Contains(words, error, StringComparison.Ordinal);
        Assert.True(code is ExitCode.Usage or ExitCode.Failed, error);
        Assert.Equal("", output);
    }

    [Fact]
    public async Task An_option_of_the_service_without_it_is_wrong_usage()
    {
        var (code, _, error) = await Clipbook.RunAsync("serve", "--index", "x");
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains("--api", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_serves_an_index_and_ends_with_what_is_under_way_answered()
    {
        using TemporaryFolder folder = new();
        string index = Path.Combine(folder.Path, "index");
        using CancellationTokenSource stop = new();
        await using Serving serving = new(stop, "serve", "--api", "--index", index, "--port", "0");
        using HttpClient client = new() { BaseAddress = await serving.AddressAsync() };
        Assert.Equal(0, (await client.GetAsync("/health").SuccessAsync()).GetProperty("images").GetInt32());
        byte[] cat = await File.ReadAllBytesAsync(Path.Combine(Lesson.Data, "images", "cat.png"));
        using SlowContent slow = new(cat);
        var under = client.PostAsync("/v1/images?id=cat", slow);
        await slow.Begun.WaitAsync(TimeSpan.FromSeconds(30));
        var stopped = stop.CancelAsync();
        await Task.Delay(300);
        slow.GoOn();
        await under.SuccessAsync(HttpStatusCode.Created);
        await stopped;
        Assert.Equal(ExitCode.Cancelled, await serving.Code.WaitAsync(TimeSpan.FromSeconds(20)));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => client.GetAsync("/health"));
        Assert.Equal(0, (await Clipbook.RunAsync("search", "a cat", "--index", index, "--json")).Code);
    }

    /// <summary>A body whose second half waits.</summary>
    private sealed class SlowContent : HttpContent
    {
        private readonly byte[] _bytes;
        private readonly TaskCompletionSource _begun = new(), _goOn = new();

        internal SlowContent(byte[] bytes)
        {
            _bytes = bytes;
            Headers.ContentType = new("image/png");
            Headers.ContentLength = bytes.Length;
        }

        internal Task Begun => _begun.Task;

        internal void GoOn() => _goOn.SetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(_bytes.AsMemory(0, _bytes.Length / 2));
            await stream.FlushAsync();
            _begun.SetResult();
            await _goOn.Task;
            await stream.WriteAsync(_bytes.AsMemory(_bytes.Length / 2));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _bytes.Length;
            return true;
        }
    }
}
