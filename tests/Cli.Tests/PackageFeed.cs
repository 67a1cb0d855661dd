using System.Text.Json;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests;

/// <summary>The packages of this run, packed once for all tests that add them.</summary>
public sealed class PackageFeed : IDisposable
{
    /// <summary>Of this run alone: a package of the same version in the machine's cache would be taken in its place.</summary>
    internal static readonly string Version = $"0.0.0-test{Guid.NewGuid():N}";

    private static readonly string[] Projects = ["Core", "Clip", "Onnx", "Search", "Search.Postgres"];

    private readonly TemporaryFolder _folder = new();
    private Task? _packed;

    /// <summary>The folder that is a source of packages.</summary>
    internal string Path => System.IO.Path.Combine(_folder.Path, "packages");

    /// <summary>
    /// The sources that the repository is restored from; a configuration that lies beside a temporary folder counts for nothing.
    /// </summary>
    internal IReadOnlyList<string> Sources { get; private set; } = [];

    public void Dispose() => _folder.Dispose();

    /// <summary>Packs the libraries, where that was not done yet. Tests of one class run one after another.</summary>
    internal Task PackAsync()
    {
        var filter = new
        {
            solution = new
            {
                path = System.IO.Path.Combine(Lesson.Repository, "ClipNotebooks.sln"),
                projects = Projects.Select(project => $"lib\\{project}\\{project}.csproj"),
            },
        };
        return _packed ??= PackAsync(_folder.Write("packages.slnf", JsonSerializer.Serialize(filter)));
    }

    /// <summary>Packs <c>clipbook</c>.</summary>
    internal Task PackToolAsync() => PackAsync(System.IO.Path.Combine(Lesson.Repository, "lib", "Cli", "Cli.csproj"));

    /// <summary>The code was held to its rules when the tests were built.</summary>
    private async Task PackAsync(string what)
    {
        var (code, output, error) = await TestProcess.RunAsync(TestProcess.DotNet,
            ["pack", what, "-c", "Release", "-v", "q", $"-p:PackageOutputPath={Path}", $"-p:Version={Version}", "-p:RunAnalyzers=false",
                "--artifacts-path", System.IO.Path.Combine(_folder.Path, "build")], null, Lesson.Repository);
        Assert.True(code == 0, $"dotnet pack {what}:\n{output}{error}");
        (_, output, _) = await TestProcess.RunAsync(
            TestProcess.DotNet, ["nuget", "list", "source", "--format", "short"], null, Lesson.Repository);
        Sources = [.. output.Split('\n').Where(line => line.StartsWith("E ", StringComparison.Ordinal)).Select(line => line[2..].Trim())];
        Assert.NotEmpty(Sources);
    }
}
