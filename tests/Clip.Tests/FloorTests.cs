using System.Text.RegularExpressions;
using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Clip.Tests;

/// <summary>A room of the house may use only what is below it.</summary>
public sealed partial class FloorTests
{
    internal static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Core/Base"] = [],
        ["Core/Text"] = ["Microsoft.ML.Tokenizers", "ClipNotebooks.Core.Base"],
        ["Core/Images"] = ["SkiaSharp", "ClipNotebooks.Core.Base"],
        ["Core/Hub"] = ["ClipNotebooks.Core.Base"],
        ["Core/Inference"] = ["ClipNotebooks.Core.Base", "ClipNotebooks.Core.Text", "ClipNotebooks.Core.Images", "ClipNotebooks.Core.Hub"],
        ["Clip/Models"] = ["TorchSharp"],
        ["Clip/Checkpoints"] = ["TorchSharp", "ClipNotebooks.Clip.Models", "ClipNotebooks.Core.Base", "ClipNotebooks.Core.Hub"],
        ["Clip/Training"] = ["TorchSharp", "ClipNotebooks.Clip.Models", "ClipNotebooks.Core.Base"],
        ["Clip/Inference"] = ["TorchSharp", "ClipNotebooks.Clip.Models", "ClipNotebooks.Clip.Checkpoints", "ClipNotebooks.Core"],
        ["Clip/Export"] =
            ["TorchSharp", "Onnx", "Google.Protobuf", "ClipNotebooks.Clip.Models", "ClipNotebooks.Clip.Checkpoints", "ClipNotebooks.Core"],
        ["Search"] =
        [
            "TorchSharp", "ClipNotebooks.Core", "ClipNotebooks.Clip", "Microsoft.Extensions.AI", "Microsoft.Extensions.DependencyInjection",
            "Npgsql", "NpgsqlTypes", "Pgvector",
        ],
        ["ImageSharp"] = ["SixLabors.ImageSharp", "ClipNotebooks.Core"],
        ["Plots"] = ["Plotly.NET"],
        ["Workbook"] =
            ["TorchSharp", "SkiaSharp", "ClipNotebooks.Core", "ClipNotebooks.Clip", "ClipNotebooks.Search", "ClipNotebooks.Workbook"],
        ["Cli"] = ["TorchSharp", "ClipNotebooks", "Spectre.Console", "System.CommandLine", "Markdig", "Microsoft.DotNet.Interactive",
            "Microsoft.CodeAnalysis", "Microsoft.AspNetCore", "Microsoft.Extensions"],
    };

    public static TheoryData<string> Rooms => [.. Allowed.Keys];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_uses_only_what_is_below_it(string room)
    {
        var wrong = Uses(room).Where(use => !use.Name.StartsWith("System", StringComparison.Ordinal) || use.Name.StartsWith("System.CommandLine", StringComparison.Ordinal))
            .Where(use => !Allowed[room].Append($"ClipNotebooks.{room.Replace('/', '.')}").Any(name => use.Name == name || use.Name.StartsWith(name + ".", StringComparison.Ordinal)));
        Assert.Empty(wrong.Select(use => $"{use.File} uses {use.Name}"));
    }

    /// <summary>By what it was compiled against, whatever the source says.</summary>
    [Fact]
    public void Core_needs_no_libtorch() => Assert.DoesNotContain(typeof(RasterImage).Assembly.GetReferencedAssemblies(),
        assembly => assembly.Name!.Contains("torch", StringComparison.OrdinalIgnoreCase)
            || assembly.Name.StartsWith("ClipNotebooks", StringComparison.Ordinal));

    [Fact]
    public void Every_source_file_of_the_libraries_stands_in_a_room()
    {
        var outside = Directory.GetFiles(Path.Combine(Repository.Root, "lib"), "*.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Path.Combine(Repository.Root, "lib"), path).Replace('\\', '/'))
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
            .Where(path => !Allowed.Keys.Any(room => path.StartsWith(room + "/", StringComparison.Ordinal)));
        Assert.Empty(outside);
    }

    [Fact]
    public void The_engine_of_the_lessons_and_its_compiler_stand_in_one_room()
    {
        var users = Directory.GetFiles(Path.Combine(Repository.Root, "lib", "Cli"), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Where(path => EngineName().IsMatch(File.ReadAllText(path)));
        Assert.All(users, path => Assert.StartsWith("Notebooks", Path.GetRelativePath(Path.Combine(Repository.Root, "lib", "Cli"), path), StringComparison.Ordinal));
    }

    [Fact]
    public void The_web_server_stands_in_one_file_of_the_command_line() =>
        Assert.Equal(["BookServer.cs"], Uses("Cli").Where(use => WebServerName().IsMatch(use.Name)).Select(use => use.File).Distinct());

    [Fact]
    public void The_interfaces_of_other_libraries_stand_in_one_folder_of_search() =>
        Assert.DoesNotContain(Uses("Search"), use => use.Name.StartsWith("Microsoft.Extensions", StringComparison.Ordinal) && !File.Exists(Path.Combine(Repository.Root, "lib", "Search", "Generators", use.File)));

    private static IEnumerable<(string File, string Name)> Uses(string room) =>
        from path in Directory.GetFiles(Path.Combine(Repository.Root, "lib", room), "*.cs", SearchOption.AllDirectories)
        where !path.Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin")
        from Match match in UsingDirective().Matches(File.ReadAllText(path))
        select (Path.GetFileName(path), match.Groups["name"].Value);

    [GeneratedRegex(@"\bMicrosoft\.(CodeAnalysis|DotNet\.Interactive)\b")]
    private static partial Regex EngineName();

    /// <summary>Microsoft.AspNetCore.Html is the engine's markup, no server.</summary>
    [GeneratedRegex(@"^Microsoft\.(AspNetCore(?!\.Html)|Extensions)\b")]
    private static partial Regex WebServerName();

    [GeneratedRegex(@"^using (static |\w+ = )?(?<name>[A-Z][\w.]*);", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex UsingDirective();
}
