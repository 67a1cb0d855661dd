using System.Reflection;
using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>What the README tells a reader to run, run: each command in a small form, the C# as it stands.</summary>
public sealed partial class ReadmeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("readme").FullName;

    private static string Readme => File.ReadAllText(Path.Combine(Lesson.Repository, "README.md"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // "run" over all lessons is tests/Notebooks.Tests' own work; here it takes one, by number.
    [Theory]
    [InlineData("run", "00 --output")]
    [InlineData("models", null)]
    [InlineData("doctor", null)]
    [InlineData("plots", "--output")]
    [InlineData("evaluate", "--per-concept 1 --pairs 4")]
    [InlineData("classify data/images --labels cat,dog,pizza,castle", "data/images/cat.png --labels cat,dog")]
    [InlineData("export --to ipynb", "00 --to ipynb --output")]
    [InlineData("export --to cs", "00 --to cs --output")]
    [InlineData("export --to onnx", "--to onnx --precision int8 --output")]
    [InlineData("train --output artifacts/tiny-clip", "--steps 2 --batch 4 --output")]
    [InlineData("bench", "--only JPEG --seconds 0.01")]
    public async Task A_command_of_the_README_runs(string command, string? smaller)
    {
        Assert.Contains($"dotnet run -c Release --project lib/Cli -- {command}", Readme, StringComparison.Ordinal);
        var error = new StringWriter();
        string[] words = [command.Split(' ')[0], .. smaller?.Split(' ') ?? []];
        if (words[^1] == "--output") words = [.. words, _folder];
        words = [.. words.Select(word => word.StartsWith("data/", StringComparison.Ordinal) ? Path.Combine(Lesson.Repository, word)
            : word)];
        Assert.True(await Program.RunAsync(words, error) == ExitCode.Success, error.ToString());
    }

    [Fact]
    public async Task The_search_of_the_README_runs_on_the_index_of_the_README()
    {
        Assert.Contains("lib/Cli -- index data/images --index artifacts/index\n", Readme.ReplaceLineEndings("\n"),
            StringComparison.Ordinal);
        Assert.Contains("lib/Cli -- search \"a sunset over the ocean\" --index artifacts/index --open\n", Readme.ReplaceLineEndings("\n"),
            StringComparison.Ordinal);
        var (error, index) = (new StringWriter(), Path.Combine(_folder, "index"));
        Assert.True(await Program.RunAsync(["index", Path.Combine(Lesson.Data, "images"), "--index", index], error) == ExitCode.Success,
            error.ToString());
        Assert.True(await Program.RunAsync(["search", "a sunset over the ocean", "--index", index, "--gallery",
            Path.Combine(_folder, "found.html")], error) == ExitCode.Success, error.ToString());
    }

    [Fact]
    public async Task The_service_of_the_README_answers()
    {
        Assert.Contains("lib/Cli -- serve --api --index artifacts/index\n", Readme.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        using CancellationTokenSource stop = new();
        await using Serving serving = new(stop, "serve", "--api", "--index", Path.Combine(_folder, "index"), "--port", "0");
        using HttpClient client = new() { BaseAddress = await serving.AddressAsync() };
        Assert.Contains("\"ready\"", await client.GetStringAsync("/health"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_shards_of_the_README_merge()
    {
        string[] commands = ["embed data/images --shard 1/2 --output artifacts/shards/1",
            "embed data/images --shard 2/2 --output artifacts/shards/2", "merge artifacts/shards --index artifacts/merged-index"];
        foreach (string command in commands)
        {
            Assert.Contains($"lib/Cli -- {command}\n", Readme.ReplaceLineEndings("\n"), StringComparison.Ordinal);
            var error = new StringWriter();
            string[] words = [.. command.Split(' ').Select(
                word => word.StartsWith("data/", StringComparison.Ordinal) ? Path.Combine(Lesson.Repository, word)
                : word.Replace("artifacts", _folder, StringComparison.Ordinal))];
            Assert.True(await Program.RunAsync(words, error) == ExitCode.Success, error.ToString());
        }
    }

    [Fact]
    public async Task The_book_of_the_README_is_served()
    {
        Assert.Contains("lib/Cli -- serve\n", Readme.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        using CancellationTokenSource stop = new();
        await using Serving serving = new(stop, "serve", "00", "--language", "en", "--port", "0", "--output",
            Path.Combine(_folder, "book"));
        using HttpClient client = new() { BaseAddress = await serving.BookAddressAsync() };
        Assert.Contains("00-start-here.html", await client.GetStringAsync("/"), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_command_of_the_README_is_run_above()
    {
        // Those on emoji need packages: EmojiTrainingTests runs them.
        var named = Command().Matches(Readme).Select(match => match.Groups["name"].Value).Distinct().Order();
        Assert.Equal(["bench", "classify", "data", "doctor", "embed", "evaluate", "export", "index", "mcp", "merge", "models", "plots",
            "run", "search", "serve", "train"], named);
        Assert.Contains("dotnet test ClipNotebooks.sln -c Release", Readme, StringComparison.Ordinal);
        Assert.Contains("dotnet test ClipNotebooks.sln -c Release", File.ReadAllText(Path.Combine(Lesson.Repository, ".ci", "run")),
            StringComparison.Ordinal);
    }

    /// <summary>Each example with its own <c>using</c>s, as it is pasted; where it says services, an application has them.</summary>
    [Fact]
    public void The_examples_of_Core_compile_one_by_one()
    {
        var examples = CSharp().Matches(File.ReadAllText(Path.Combine(Lesson.Repository, "lib", "Core", "README.md")))
            .Select(match => match.Groups["code"].Value).ToList();
        Assert.Equal(2, examples.Count(code => code.Contains("services.AddClip(", StringComparison.Ordinal)));
        foreach (string code in examples)
        {
            string services = code.Contains("services.", StringComparison.Ordinal)
                ? "partial class Program { static Microsoft.Extensions.DependencyInjection.IServiceCollection services = null; }" : "";
            using var assembly = new MemoryStream();
            Compile(code + services, assembly);
        }
    }

    [Fact]
    public void The_CSharp_of_the_README_compiles_and_runs()
    {
        using var assembly = new MemoryStream();
        Compile(CSharp().Match(Readme).Groups["code"].Value, assembly);

        var (output, console, folder) = (new StringWriter(), Console.Out, Environment.CurrentDirectory);
        try
        {
            Console.SetOut(output);
            Environment.CurrentDirectory = Lesson.Repository;
            var main = Assembly.Load(assembly.ToArray()).EntryPoint!;
            main.Invoke(null, main.GetParameters().Length == 0 ? null : [Array.Empty<string>()]);
        }
        finally
        {
            Environment.CurrentDirectory = folder;
            Console.SetOut(console);
        }
        Assert.StartsWith("(cat, 0.", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("(pizza, ", output.ToString(), StringComparison.Ordinal);
    }

    private static void Compile(string code, MemoryStream assembly)
    {
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => path.EndsWith(".dll", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path));
        var result = CSharpCompilation.Create("Readme", [CSharpSyntaxTree.ParseText("using System; using System.Linq;\n" + code)],
            references, new CSharpCompilationOptions(OutputKind.ConsoleApplication)).Emit(assembly);
        Assert.True(result.Success, string.Join("\n", result.Diagnostics));
    }

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex CSharp();

    [GeneratedRegex(@"lib/Cli -- (?<name>\w+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Command();
}
