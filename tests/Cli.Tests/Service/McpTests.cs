using System.Diagnostics;
using System.Text.Json;
using ClipNotebooks.Cli.Service;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Search;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Workbook;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace ClipNotebooks.Cli.Tests.Service;

/// <summary>`clipbook mcp` as an assistant's program has it: a process of its own, spoken to over its streams.</summary>
public sealed class McpTests : IAsyncLifetime
{
    private static readonly string Assembly = typeof(Program).Assembly.Location;

    private readonly TemporaryFolder _folder = new();

    private string Pictures => Path.Combine(_folder.Path, "pictures");

    private string Index => Path.Combine(_folder.Path, "index");

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Pictures);
        foreach (string name in new[] { "cat.png", "dog.png", "pizza.png" })
            File.Copy(Path.Combine(Lesson.Data, "images", name), Path.Combine(Pictures, name));
        using var encoder = ClipEncoder.FromPretrained(Lesson.Model);
        using var index = ImageSearchIndex.Create(Index, encoder);
        await index.AddFolderAsync(Pictures);
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_last_request_without_the_end_of_its_line_is_handed_on_at_once()
    {
        byte[] request = """{"jsonrpc":"2.0","id":1,"method":"tools/list"}"""u8.ToArray(), buffer = new byte[100];
        var input = new AnsweredStreams(new MemoryStream(request), new MemoryStream()).Input;
        Assert.Equal(request.Length, await input.ReadAsync(buffer, TestContext.Current.CancellationToken));
        var next = input.ReadAsync(buffer, TestContext.Current.CancellationToken).AsTask(); // not when patience is at its end
        Assert.Equal((1, (byte)'\n'), (await next.WaitAsync(TimeSpan.FromSeconds(10)), buffer[0]));
    }

    [Fact]
    public async Task Requests_of_a_file_are_all_answered_before_it_ends()
    {
        string[] requests =
        [
            """{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":"""
                + """{"name":"sh","version":"1"}}}""",
            """{"jsonrpc":"2.0","method":"notifications/initialized"}""", """{"method":1}""", "[1", "7",
            """{"jsonrpc":"2.0","id":2,"method":"tools/list"}""",
            """{"jsonrpc":"2.0","id":"three","method":"tools/call","params":{"name":"search_images","arguments":{"text":"a pizza"}}}""",
        ];
        ProcessStartInfo start = new(TestProcess.DotNet, [Assembly, "mcp", "--index", Index])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var server = Process.Start(start)!;
        await server.StandardInput.WriteAsync(string.Join('\n', requests));
        server.StandardInput.Close();
        var (said, error) = (server.StandardOutput.ReadToEndAsync(), server.StandardError.ReadToEndAsync());
        await server.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(2));
        string[] answers = (await said).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(answers.Length == 3, await said + await error);
        var answered = answers.Select(answer => JsonDocument.Parse(answer).RootElement.GetProperty("id").GetRawText());
        Assert.Equal(["\"three\"", "1", "2"], answered.Order(StringComparer.Ordinal));
        Assert.Contains("pizza.png", await said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_assistant_s_client_lists_the_tools_searches_classifies_and_is_told_what_is_wrong()
    {
        string outside = _folder.Write("outside.png", "");
        File.Copy(Path.Combine(Pictures, "cat.png"), outside, overwrite: true);
        File.CreateSymbolicLink(Path.Combine(Pictures, "link.png"), outside);
        Directory.CreateSymbolicLink(Path.Combine(Pictures, "up"), _folder.Path);
        _folder.Write("pictures/none.png", "no picture");
        StdioClientTransport transport = new(new()
        {
            Name = "test", Command = TestProcess.DotNet, Arguments = [Assembly, "mcp", "--index", Index],
            EnvironmentVariables = new Dictionary<string, string?> { ["OMP_NUM_THREADS"] = "1" },
        });
        await using var client = await McpClient.CreateAsync(transport).WaitAsync(TimeSpan.FromMinutes(2));
        Assert.Equal("clipbook", client.ServerInfo?.Name);
        var tools = await client.ListToolsAsync();
        Assert.Equal(["classify_image", "search_images"], tools.Select(tool => tool.Name).Order());
        Assert.Equal(["image", "not", "text", "top"], tools.Single(tool => tool.Name == "search_images").JsonSchema
            .GetProperty("properties").EnumerateObject().Select(parameter => parameter.Name).Order());

        var found = await CallAsync("search_images", new() { ["text"] = "a pizza", ["top"] = 2 });
        var hits = found.GetProperty("results");
        Assert.Equal(2, hits.GetArrayLength());
        Assert.Equal(("pizza.png", Path.Combine(Pictures, "pizza.png")),
            (hits[0].GetProperty("id").GetString(), hits[0].GetProperty("path").GetString()));
        found = await CallAsync("search_images", new() { ["image"] = "dog.png", ["not"] = "a cat" });
        Assert.Equal("dog.png", found.GetProperty("results")[0].GetProperty("id").GetString());

        string[] labels = ["cat", "dog", "pizza"];
        foreach (string image in new[] { "cat.png", Path.Combine(Pictures, "cat.png"), "../pictures/cat.png" })
        {
            var answer = await CallAsync("classify_image", new() { ["image"] = image, ["labels"] = labels });
            Assert.Equal("cat", answer.GetProperty("classes")[0].GetProperty("label").GetString());
        }
        foreach (string image in new[] { outside, "../outside.png", "link.png", "up/outside.png", "/etc/passwd", "nowhere.png", "a\0b" })
            Assert.Contains("folders that may be opened", await RefusedAsync("classify_image", new() { ["image"] = image,
                ["labels"] = labels }));
        Assert.Contains("none.png is not an image", await RefusedAsync("classify_image", new() { ["image"] = "none.png",
            ["labels"] = labels }));
        Assert.Contains("labels are needed", await RefusedAsync("classify_image", new() { ["image"] = "cat.png",
            ["labels"] = new[] { "a", "a" } }));
        Assert.Contains("nothing to search for", await RefusedAsync("search_images", []));
        Assert.Contains("top is 0", await RefusedAsync("search_images", new() { ["text"] = "a", ["top"] = 0 }));

        async Task<JsonElement> CallAsync(string tool, Dictionary<string, object?> arguments)
        {
            var result = await client.CallToolAsync(tool, arguments);
            Assert.False(result.IsError ?? false, Text(result));
            return JsonDocument.Parse(Text(result)).RootElement;
        }

        async Task<string> RefusedAsync(string tool, Dictionary<string, object?> arguments)
        {
            var result = await client.CallToolAsync(tool, arguments);
            Assert.True(result.IsError, Text(result));
            return Text(result);
        }

        static string Text(CallToolResult result) => string.Concat(result.Content.OfType<TextContentBlock>().Select(block => block.Text));
    }

    [Fact]
    public async Task Nothing_but_the_protocol_is_on_its_output_and_it_ends_with_its_input()
    {
        ProcessStartInfo start = new(TestProcess.DotNet, [Assembly, "mcp", "--images", Pictures])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["OMP_NUM_THREADS"] = "1";
        using var process = Process.Start(start)!;
        try
        {
            await process.StandardInput.WriteLineAsync("""{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": """ +
                """{"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}}""");
            await process.StandardInput.WriteLineAsync("this is no JSON");
            await process.StandardInput.WriteLineAsync("""{"jsonrpc": "2.0", "id": 2, "method": "tools/list"}""");
            await process.StandardInput.FlushAsync();
            List<string> lines = [];
            // Requests are answered side by side, in either order.
            bool IsAnswered(string id) => lines.Any(line => line.Contains(id, StringComparison.Ordinal));
            while (!(IsAnswered("\"id\":1") && IsAnswered("\"id\":2")))
                lines.Add(await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1))
                    ?? throw new EndOfStreamException());
            Assert.All(lines, line => Assert.Equal("2.0", JsonDocument.Parse(line).RootElement.GetProperty("jsonrpc").GetString()));
            Assert.All(lines, line => Assert.DoesNotContain("search_images", line, StringComparison.Ordinal));
            process.StandardInput.Close();
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
            Assert.Equal("", await process.StandardOutput.ReadToEndAsync());
            Assert.Equal(ExitCode.Success, process.ExitCode);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task Without_an_index_or_a_folder_or_with_one_that_is_not_there_it_says_what_is_missing()
    {
        foreach (var (arguments, words) in new (string[], string)[] { ([], "--index"), (["--index", _folder.Path], "holds no index"),
            (["--images", Path.Combine(_folder.Path, "nowhere")], "There is no folder") })
        {
            var (code, output, error) = await Clipbook.RunAsync(["mcp", .. arguments]);
            Assert.True(code is ExitCode.Usage or ExitCode.Failed, error);
            Assert.Contains(words, error, StringComparison.Ordinal);
            Assert.Equal("", output);
        }
    }
}
