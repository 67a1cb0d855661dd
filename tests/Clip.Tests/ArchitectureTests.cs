using System.Text.RegularExpressions;

namespace ClipNotebooks.Clip.Tests;

/// <summary>The drawing of the house for who comes next says what <see cref="FloorTests"/> holds the code to.</summary>
public sealed partial class ArchitectureTests
{
    private static string Text { get; } = File.ReadAllText(Path.Combine(Repository.Root, "environment", "ARCHITECTURE.md"));

    [Fact]
    public void Each_room_is_drawn_with_the_rooms_that_it_may_use()
    {
        string drawing = Drawing().Match(Text).Groups[1].Value;
        var drawn = Line().Matches(drawing).ToDictionary(line => line.Groups["room"].Value,
            line => line.Groups["uses"].Value.Split(", ", StringSplitOptions.RemoveEmptyEntries).Order().ToArray());
        var allowed = FloorTests.Allowed.ToDictionary(room => room.Key, room => room.Value
            .Where(name => name.StartsWith("ClipNotebooks.", StringComparison.Ordinal))
            .Select(name => name["ClipNotebooks.".Length..].Replace('.', '/'))
            .Where(name => name != room.Key).Order().ToArray());
        Assert.Equal(allowed.Keys.Order(), drawn.Keys.Order());
        // Of Workbook and Cli the projects' references decide: Plots is reached through Workbook's front alone, by no `using`.
        foreach (string room in allowed.Keys.Except(["Workbook", "Cli"])) Assert.Equal(allowed[room], drawn[room]);
        foreach (string project in new[] { "Workbook", "Cli" })
        {
            string file = File.ReadAllText(Path.Combine(Repository.Root, "lib", project, project + ".csproj"));
            Assert.Equal(ProjectReference().Matches(file).Select(reference => reference.Groups[1].Value).Order(), drawn[project]);
        }
    }

    /// <summary>A place that a reader is sent to is there.</summary>
    [Fact]
    public void Each_file_and_folder_that_it_names_exists()
    {
        string[] named = [.. Place().Matches(Text).Select(place => place.Groups[1].Value)];
        Assert.True(named.Length > 10);
        Assert.All(named, place => Assert.True(Path.Exists(Path.Combine(Repository.Root, place)), place));
    }

    [GeneratedRegex(@"## The house.*?```\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Drawing();

    [GeneratedRegex(@"^(?<room>[A-Z][\w/]*)(?: +→ (?<uses>[\w/]+(?:, [\w/]+)*))?(?: {2,}|\n)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Line();

    [GeneratedRegex(@"/(\w+)\.csproj")]
    private static partial Regex ProjectReference();

    [GeneratedRegex(@"`((?:lib|tests|environment|notebooks|data)/[\w./-]+)`")]
    private static partial Regex Place();
}
