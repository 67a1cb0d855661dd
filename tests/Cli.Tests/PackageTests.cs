using System.Globalization;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using ClipNotebooks.Clip.Export;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests;

/// <summary>
/// The packages, as somebody meets them who has nothing else of the project. <c>CLIP_LONG_TESTS=1</c> also publishes, serves, and
/// installs the tool.
/// </summary>
public sealed class PackageTests(PackageFeed feed) : IClassFixture<PackageFeed>, IDisposable
{
    private const string Console = """
        using ClipNotebooks.Core.Images;
        using ClipNotebooks.Clip.Inference;
        using var clip = ClipEncoder.FromPretrained(args[0]);
        using var image = clip.EncodeImages([RasterImage.Load(args[1])]);
        using var text = clip.EncodeTexts(["a cat at night"]);
        System.Globalization.CultureInfo.CurrentCulture = System.Globalization.CultureInfo.InvariantCulture;
        foreach (var tensor in new[] { image, text })
            System.Console.WriteLine(string.Join(' ', tensor.data<float>()));
        """;

    private const string Light = """
        using ClipNotebooks.Core.Images;
        using ClipNotebooks.Clip.Inference;
        using var clip = ClipEncoder.ForInference(args[0]);
        System.Globalization.CultureInfo.CurrentCulture = System.Globalization.CultureInfo.InvariantCulture;
        foreach (var row in new[] { clip.EmbedImages([RasterImage.Load(args[1])])[0], clip.EmbedTexts(["a cat at night"])[0] })
            System.Console.WriteLine(string.Join(' ', row));
        """;

    private const string Small = """
        using ClipNotebooks.Core.Images;
        using ClipNotebooks.Onnx;
        using ClipNotebooks.Search.Postgres;
        using var clip = OnnxClipEncoder.FromPretrained(args[0]);
        System.Globalization.CultureInfo.CurrentCulture = System.Globalization.CultureInfo.InvariantCulture;
        foreach (var row in new[] { clip.EmbedImages([RasterImage.Load(args[1])])[0], clip.EmbedTexts(["a cat at night"])[0] })
            System.Console.WriteLine(string.Join(' ', row));
        using var index = ImageStores.OpenOrCreate(args[2], clip);
        await index.AddFilesAsync([args[1]]);
        if (index.Search("a cat")[0].Path != args[1]) throw new InvalidOperationException("The picture is not found.");
        """;

    private const string Web = """
        using ClipNotebooks.Clip.Inference;
        using Microsoft.Extensions.AI;
        var builder = WebApplication.CreateBuilder(args);
        builder.Services.AddClip(builder.Configuration["model"]!);
        var app = builder.Build();
        app.MapGet("/embed", async (string text, IEmbeddingGenerator<string, Embedding<float>> clip) =>
            (await clip.GenerateVectorAsync(text)).ToArray());
        app.Run();
        """;

    private static readonly string Picture = Path.Combine(Lesson.Repository, "data", "images", "cat.png");
    private static readonly string Model = Path.Combine(Lesson.Repository, "data", "models", "tiny-clip");

    private readonly TemporaryFolder _folder = new();

    private static bool Long => Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_package_asks_for_the_libtorch_that_the_repository_is_built_with()
    {
        var packages = XDocument.Load(Path.Combine(Lesson.Repository, "environment", "build", "Packages.props"));
        var versions = packages.Descendants("PackageVersion")
            .ToDictionary(package => package.Attribute("Include")!.Value, package => package.Attribute("Version")!.Value);
        string runtimes = File.ReadAllText(Path.Combine(Lesson.Repository, "lib", "Clip", "runtime.json"));
        var asked = Regex.Matches(runtimes, "\"(libtorch-[a-z0-9-]+)\": \"([0-9.]+)\"")
            .ToDictionary(found => found.Groups[1].Value, found => found.Groups[2].Value);
        Assert.Equal(3, asked.Count);
        Assert.All(asked, package => Assert.Equal(versions[package.Key], package.Value));
    }

    [Fact]
    public async Task A_console_program_that_adds_the_package_gives_the_librarys_embeddings()
    {
        await feed.PackAsync();
        string program = New("Program", "Microsoft.NET.Sdk", Console, ["ClipNotebooks.Clip"], "");
        var (code, output, _) = await DotNetAsync(program, "build", "-c", "Release", "-v", "q");
        Assert.NotEqual(0, code);
        Assert.Contains("error CLIP0001: Program has no libtorch", output, StringComparison.Ordinal);
        Assert.Contains("<UseCurrentRuntimeIdentifier>true</UseCurrentRuntimeIdentifier>", output, StringComparison.Ordinal);

        // A program that only embeds needs no libtorch, if it says so.
        Assert.Contains("<ClipLibtorch>none</ClipLibtorch>", output, StringComparison.Ordinal);
        string light = New("Light", "Microsoft.NET.Sdk", Light, ["ClipNotebooks.Clip"], "<ClipLibtorch>none</ClipLibtorch>");
        Equal(await MustAsync(light, "run", "-c", "Release", "--", Model, Picture));
        Assert.DoesNotContain(Directory.GetFiles(light, "*", SearchOption.AllDirectories), file =>
            Path.GetFileNameWithoutExtension(file) is "libtorch_cpu" or "torch_cpu");

        program = New("Program", "Microsoft.NET.Sdk", Console, ["ClipNotebooks.Clip"]);
        Equal(await MustAsync(program, "run", "-c", "Release", "--", Model, Picture));
        if (!Long)
            return;
        foreach (string contained in new[] { "false", "true" })
        {
            string published = Path.Combine(_folder.Path, contained);
            await MustAsync(program, "publish", "-c", "Release", "--self-contained", contained, "-o", published, "-v", "q");
            Equal((await TestProcess.RunAsync(Path.Combine(published, "Program"), [Model, Picture])).Output);
        }
    }

    /// <summary>The size that its README states is for this machine's platform; without one the natives of all come along.</summary>
    [Fact]
    public async Task A_console_program_on_ONNX_Runtime_embeds_alike_and_searches_without_libtorch()
    {
        await feed.PackAsync();
        string model = Path.Combine(_folder.Path, "onnx"), published = Path.Combine(_folder.Path, "published");
        OnnxExport.Write(Model, model);
        string program = New("Small", "Microsoft.NET.Sdk", Small, ["ClipNotebooks.Onnx", "ClipNotebooks.Search.Postgres"]);
        await MustAsync(program, "publish", "-c", "Release", "-o", published, "-v", "q");
        Equal((await TestProcess.RunAsync(Path.Combine(published, "Small"), [model, Picture, Path.Combine(_folder.Path, "index")])).Output);
        string[] files = Directory.GetFiles(published, "*", SearchOption.AllDirectories);
        Assert.DoesNotContain(files, file => Path.GetFileName(file).Contains("torch", StringComparison.OrdinalIgnoreCase));
        Assert.InRange(files.Sum(file => new FileInfo(file).Length), 10_000_000, 60_000_000);
    }

    [Fact]
    public async Task A_web_program_that_adds_the_package_answers_with_the_librarys_embeddings()
    {
        Assert.SkipUnless(Long, "A web program is built and served with CLIP_LONG_TESTS=1.");
        await feed.PackAsync();
        string program = New("Site", "Microsoft.NET.Sdk.Web", Web, ["ClipNotebooks.Clip"]);
        await MustAsync(program, "build", "-c", "Release", "-v", "q");
        using var site = TestProcess.Start(
            TestProcess.DotNet, ["run", "-c", "Release", "--no-build", "--", "--urls", "http://127.0.0.1:0", "--model", Model], Variables,
            program);
        await site.SaysAsync("Now listening on:");
        string address = Regex.Match(site.Output, "Now listening on: (http://127.0.0.1:[0-9]+)").Groups[1].Value;
        using HttpClient client = new();
        Uri asked = new($"{address}/embed?text=a%20cat%20at%20night");
        float[] vector = (await client.GetFromJsonAsync<float[]>(asked, TestContext.Current.CancellationToken))!;
        using var clip = ClipEncoder.FromPretrained(Model);
        using var expected = clip.EncodeTexts(["a cat at night"]);
        Close(expected.data<float>().ToArray(), vector);
    }

    [Fact]
    public async Task The_sample_application_embeds_classifies_adds_finds_and_deletes_on_packages_alone()
    {
        string sample = Path.Combine(Lesson.Repository, "environment", "samples", "ImageApi");
        Assert.InRange(File.ReadLines(Path.Combine(sample, "Program.cs")).Count(), 1, 120);
        Assert.SkipUnless(Long, "The sample is built and served with CLIP_LONG_TESTS=1.");
        await feed.PackAsync();
        string model = Path.Combine(_folder.Path, "onnx"), program = Path.Combine(_folder.Path, "Sample");
        OnnxExport.Write(Model, model);
        foreach (string file in Directory.GetFiles(sample))
        {
            string text = File.ReadAllText(file).Replace("0.2.0", PackageFeed.Version, StringComparison.Ordinal);
            _folder.Write($"Sample/{Path.GetFileName(file)}", text);
        }
        Configuration();
        await MustAsync(program, "build", "-c", "Release", "-v", "q");
        using var site = TestProcess.Start(TestProcess.DotNet, ["run", "-c", "Release", "--no-build", "--", "--urls", "http://127.0.0.1:0",
            "--Clip:Model", model, "--Clip:Index", Path.Combine(_folder.Path, "index")], Variables, program);
        await site.SaysAsync("Now listening on:");
        using HttpClient client = new() { BaseAddress = new Uri(Regex.Match(site.Output, "http://127.0.0.1:[0-9]+").Value) };
        var stop = TestContext.Current.CancellationToken;
        ByteArrayContent Body(byte[] bytes) => new(bytes);
        byte[] cat = await File.ReadAllBytesAsync(Picture, stop);

        Assert.Equal("Degraded", await client.GetStringAsync("/health", stop));
        using var clip = ClipEncoder.FromPretrained(Model);
        Close(clip.EmbedTexts(["a cat at night"])[0], (await client.GetFromJsonAsync<float[]>("/embed?text=a%20cat%20at%20night", stop))!);
        Assert.Equal("Healthy", await client.GetStringAsync("/health", stop));
        foreach (string name in new[] { "cat", "pizza", "dog" })
        {
            byte[] bytes = await File.ReadAllBytesAsync(Path.Combine(Lesson.Repository, "data", "images", $"{name}.png"), stop);
            Assert.Equal(201, (int)(await client.PutAsync($"/pictures/{name}?kind=drawn", Body(bytes), stop)).StatusCode);
        }
        string answers = await (await client.PostAsync("/classify", Body(cat), stop)).Content.ReadAsStringAsync(stop);
        Assert.StartsWith("[{\"className\":\"cat\",", answers, StringComparison.Ordinal);
        string found = await client.GetStringAsync("/search?text=a%20cat&top=1", stop);
        Assert.Contains("\"id\":\"cat\"", found, StringComparison.Ordinal);
        Assert.Contains("\"kind\":\"drawn\"", found, StringComparison.Ordinal);
        found = await (await client.PostAsync("/search?top=1&skip=1", Body(cat), stop)).Content.ReadAsStringAsync(stop);
        Assert.DoesNotContain("\"id\":\"cat\"", found, StringComparison.Ordinal);
        Assert.Equal(204, (int)(await client.DeleteAsync("/pictures/cat", stop)).StatusCode);
        Assert.Equal(404, (int)(await client.DeleteAsync("/pictures/cat", stop)).StatusCode);
        var refused = await client.PostAsync("/embed", Body([1, 2, 3]), stop);
        Assert.Equal(422, (int)refused.StatusCode);
        Assert.Contains("is not an image", await refused.Content.ReadAsStringAsync(stop), StringComparison.Ordinal);
        // Asked for beforehand: a body on its way is cut off.
        client.DefaultRequestHeaders.ExpectContinue = true;
        Assert.Equal(413, (int)(await client.PostAsync("/embed", Body(new byte[21_000_000]), stop)).StatusCode);
    }

    [Fact]
    public async Task The_tool_installs_and_classifies_outside_of_the_repository()
    {
        Assert.SkipUnless(Long, "The tool, 196 MB, is packed and installed with CLIP_LONG_TESTS=1.");
        await feed.PackToolAsync();
        string tools = Path.Combine(_folder.Path, "tools");
        await MustAsync(_folder.Path, "tool", "install", "clipbook", "--version", PackageFeed.Version, "--tool-path", tools, "--configfile",
            Configuration());
        var (code, output, error) = await TestProcess.RunAsync(
            Path.Combine(tools, "clipbook"), ["classify", Picture, "--labels", "cat,dog,pizza"], Variables, _folder.Path);
        Assert.True(code == 0, output + error);
        Assert.Matches(@"cat +(9\d|100)\.", output);
    }

    private static void Equal(string output)
    {
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.Equal(2, lines.Length);
        using var clip = ClipEncoder.FromPretrained(Model);
        using var image = clip.EncodeImages([RasterImage.Load(Picture)]);
        using var text = clip.EncodeTexts(["a cat at night"]);
        foreach (var (line, tensor) in lines.Zip(new[] { image, text }))
            Close(tensor.data<float>().ToArray(), [.. line.Split(' ').Select(number => float.Parse(number, CultureInfo.InvariantCulture))]);
    }

    private static void Close(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
    }

    private string New(string name, string sdk, string program, string[] packages,
        string platform = "<UseCurrentRuntimeIdentifier>true</UseCurrentRuntimeIdentifier>")
    {
        _folder.Write($"{name}/Program.cs", program);
        _folder.Write($"{name}/{name}.csproj", $"""
            <Project Sdk="{sdk}">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                {platform}
              </PropertyGroup>
              <ItemGroup>
                {string.Concat(packages.Select(package => $"<PackageReference Include=\"{package}\" Version=\"{PackageFeed.Version}\" />"))}
              </ItemGroup>
            </Project>
            """);
        Configuration();
        return Path.Combine(_folder.Path, name);
    }

    /// <summary>The folder of packages beside the repository's own sources; what is in the machine's cache is not restored again.</summary>
    private string Configuration() => _folder.Write("nuget.config", $"""
        <configuration>
          <packageSources>
            <clear />
            {string.Concat(feed.Sources.Prepend(feed.Path).Select((source, i) => $"<add key=\"source{i}\" value=\"{source}\" />"))}
          </packageSources>
          <fallbackPackageFolders><add key="cache" value="{Cache}" /></fallbackPackageFolders>
        </configuration>
        """);

    private static string Cache => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>Packages of this test stay out of the machine's cache, where a version is what it was first.</summary>
    private Dictionary<string, string?> Variables => new()
    {
        ["NUGET_PACKAGES"] = Path.Combine(_folder.Path, "cache"), ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1", ["DOTNET_NOLOGO"] = "1",
        ["MSBUILDDISABLENODEREUSE"] = "1",
    };

    private async Task<(int Code, string Output, string Error)> DotNetAsync(string folder, params string[] arguments) =>
        await TestProcess.RunAsync(TestProcess.DotNet, arguments, Variables, folder);

    private async Task<string> MustAsync(string folder, params string[] arguments)
    {
        var (code, output, error) = await DotNetAsync(folder, arguments);
        Assert.True(code == 0, $"dotnet {string.Join(' ', arguments)}:\n{output}{error}");
        return output;
    }
}
