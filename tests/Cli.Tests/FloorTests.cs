using System.Text.RegularExpressions;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests;

/// <summary>
/// The house as environment/ARCHITECTURE.md draws it and as its libraries are compiled: a room uses what stands above it in the drawing,
/// and the drawing names each use.
/// </summary>
public sealed partial class FloorTests
{
    /// <summary>Packages by the beginning of their assemblies' names, and the rooms that they have.</summary>
    private static readonly (string Package, string[] Rooms)[] Homes =
    [
        ("TorchSharp", ["Clip", "Workbook", "Cli"]),
        ("SkiaSharp", ["Core/Images", "Workbook", "Cli/Emoji"]),
        ("Svg.Skia", ["Cli/Emoji"]),
        ("Microsoft.ML.Tokenizers", ["Core/Text"]),
        ("OnnxSharp", ["Clip/Export"]),
        ("Google.Protobuf", ["Clip/Export"]),
        ("Microsoft.ML.OnnxRuntime", ["Onnx"]),
        ("SixLabors.ImageSharp", ["ImageSharp"]),
        ("Plotly.NET", ["Plots"]),
        ("DynamicObj", ["Plots"]),
        ("FSharp.Core", ["Plots"]),
        ("Npgsql", ["Search/Postgres"]),
        ("Pgvector", ["Search/Postgres"]),
        ("Microsoft.Extensions.AI", ["Core/Generators", "Search/Records"]),
        ("Microsoft.Extensions.VectorData", ["Search/Records"]),
        ("Microsoft.Extensions.DependencyInjection", ["Core/Generators", "Clip/Inference", "Onnx"]),
        ("Microsoft.Extensions", ["Core/Generators", "Clip/Inference", "Onnx"]),
        ("Spectre.Console", ["Cli"]),
        ("System.CommandLine", ["Cli"]),
        ("Markdig", ["Cli/Notebooks"]),
        ("Microsoft.CodeAnalysis", ["Cli/Notebooks"]),
        ("Microsoft.DotNet.Interactive", ["Cli/Notebooks"]),
        ("Microsoft.AspNetCore", ["Cli/Notebooks", "Cli/Service"]),
        ("Microsoft.OpenApi", ["Cli/Service"]),
        ("ModelContextProtocol", ["Cli/Service", "Cli/Commands"]),
        ("Microsoft.Net.Http.Headers", ["Cli/Service"]),
        ("Microsoft.Extensions", ["Cli/Notebooks/Pages", "Cli/Service"]),
    ];

    private static readonly Lazy<RoomGraph> Compiled = new(() => RoomGraph.Read(Libraries()));

    private static string Text { get; } = File.ReadAllText(Path.Combine(Lesson.Repository, "environment", "ARCHITECTURE.md"));

    /// <summary>The drawing's lines, from above: a room, and what it may use, each a room or all rooms of a project or of a room.</summary>
    private static (string Room, string[] Uses)[] Drawing { get; } =
    [
        .. Line().Matches(Drawn().Match(Text).Groups[1].Value).Select(line => (line.Groups["room"].Value,
            line.Groups["uses"].Value.Split(", ", StringSplitOptions.RemoveEmptyEntries))),
    ];

    [Fact]
    public void Each_compiled_room_is_drawn_once_and_no_other_is() =>
        Assert.Equal(Compiled.Value.Rooms.Keys.Order(StringComparer.Ordinal),
            Drawing.Select(line => line.Room).Order(StringComparer.Ordinal));

    /// <summary>So there is no circle.</summary>
    [Fact]
    public void Rooms_use_what_stands_above_them()
    {
        List<string> wrong = [];
        string[] order = [.. Drawing.Select(line => line.Room)];
        foreach (var (room, uses) in Compiled.Value.Rooms)
            foreach (var (other, by) in uses)
                if (Array.IndexOf(order, other) >= Array.IndexOf(order, room)) wrong.Add($"{room} → {other}: {string.Join(", ", by)}");
        Assert.Empty(wrong);
    }

    [Fact]
    public void The_drawing_names_each_use_of_a_room_and_nothing_that_is_not_used()
    {
        List<string> wrong = [];
        foreach (var (room, drawn) in Drawing)
        {
            var uses = Compiled.Value.Rooms[room];
            wrong.AddRange(uses.Where(use => !drawn.Any(name => IsIn(use.Key, name)))
                .Select(use => $"{room} → {use.Key} is not drawn: {string.Join(", ", use.Value)}"));
            wrong.AddRange(drawn.Where(name => !uses.Keys.Any(use => IsIn(use, name)))
                .Select(name => $"{room} → {name} is drawn and unused"));
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void A_package_is_used_in_the_rooms_that_are_its_home()
    {
        List<string> wrong = [];
        foreach (var (room, packages) in Compiled.Value.Packages)
            foreach (var (assembly, by) in packages)
            {
                var home = Homes.FirstOrDefault(home => assembly.StartsWith(home.Package, StringComparison.Ordinal)
                    && home.Rooms.Any(name => IsIn(room, name)));
                if (home.Rooms is null) wrong.Add($"{room} uses {assembly}: {string.Join(", ", by)}");
            }
        Assert.Empty(wrong);
        Assert.All(Homes, home => Assert.All(home.Rooms, name => Assert.Contains(Compiled.Value.Packages,
            room => IsIn(room.Key, name) && room.Value.Keys.Any(assembly => assembly.StartsWith(home.Package, StringComparison.Ordinal)))));
    }

    /// <summary>By what it was compiled against, whatever its types use.</summary>
    [Fact]
    public void Core_and_Search_need_no_libtorch()
    {
        Assert.DoesNotContain(Needed(typeof(Core.Images.RasterImage)), name => name.StartsWith("ClipNotebooks", StringComparison.Ordinal));
        string[] needed = [.. Needed(typeof(Core.Images.RasterImage)), .. Needed(typeof(Search.ImageSearchIndex))];
        Assert.DoesNotContain(needed, name => name.Contains("torch", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(["ClipNotebooks.Core"], needed.Where(name => name.StartsWith("ClipNotebooks", StringComparison.Ordinal)));

        static string[] Needed(Type type) => [.. type.Assembly.GetReferencedAssemblies().Select(assembly => assembly.Name!)];
    }

    [Fact]
    public void The_web_server_stands_in_the_book_s_one_file_and_in_the_service()
    {
        var types = Compiled.Value.Packages.Where(room => IsIn(room.Key, "Cli") && room.Key != "Cli/Service").SelectMany(room => room.Value)
            .Where(package => package.Key.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) && !package.Key.Contains("Html"));
        Assert.Equal(["BookServer"], types.SelectMany(package => package.Value).Distinct());
    }

    /// <summary>A place that a reader is sent to is there.</summary>
    [Fact]
    public void Each_file_and_folder_that_the_drawing_s_page_names_exists()
    {
        string[] named = [.. Place().Matches(Text).Select(place => place.Groups[1].Value)];
        Assert.True(named.Length > 10);
        Assert.All(named, place => Assert.True(Path.Exists(Path.Combine(Lesson.Repository, place)), place));
    }

    [Fact]
    public void The_table_of_rooms_has_each_room_with_its_lines_within_a_fifth()
    {
        var told = Cost().Matches(Text).ToDictionary(row => row.Groups["room"].Value,
            row => int.Parse(row.Groups["lines"].Value, System.Globalization.NumberStyles.AllowThousands,
                System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(Drawing.Select(line => line.Room).Order(StringComparer.Ordinal), told.Keys.Order(StringComparer.Ordinal));
        Assert.All(told, row => Assert.InRange(Lines(row.Key), row.Value - Math.Max(10, row.Value / 5),
            row.Value + Math.Max(10, row.Value / 5)));
    }

    /// <summary>A room's lines of C# without blank ones and comments.</summary>
    private static int Lines(string room)
    {
        string folder = room.StartsWith("Search/Postgres", StringComparison.Ordinal) ? "Search.Postgres" : room;
        return Directory.GetFiles(Path.Combine(Lesson.Repository, "lib", folder), "*.cs").SelectMany(File.ReadLines)
            .Count(line => line.Trim() is { Length: > 0 } code && !code.StartsWith("//", StringComparison.Ordinal));
    }

    /// <summary>Each library as this configuration built it.</summary>
    private static IEnumerable<string> Libraries()
    {
        string lib = Path.Combine(Lesson.Repository, "lib");
        string output = Path.GetRelativePath(Path.Combine(Lesson.Repository, "tests", "Cli.Tests"), AppContext.BaseDirectory);
        return Directory.GetFiles(lib, "*.csproj", SearchOption.AllDirectories).Select(project =>
            Path.Combine(Path.GetDirectoryName(project)!, output, $"ClipNotebooks.{Path.GetFileNameWithoutExtension(project)}.dll"));
    }

    private static bool IsIn(string room, string name) => room == name || room.StartsWith(name + "/", StringComparison.Ordinal);

    [GeneratedRegex(@"## The house.*?```\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Drawn();

    [GeneratedRegex(@"^(?<room>[A-Z][\w/]*)(?: +→ (?<uses>[\w/]+(?:, [\w/]+)*))?(?: {2,}|\n)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Line();

    [GeneratedRegex(@"^\| (?<room>[A-Z][\w/]*) \| (?<lines>[\d,]+) \| ", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Cost();

    [GeneratedRegex(@"`((?:lib|tests|environment|notebooks|data)/[\w./-]+)`")]
    private static partial Regex Place();
}
