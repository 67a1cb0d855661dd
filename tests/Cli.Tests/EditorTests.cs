using System.Text.Json;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests;

/// <summary>What the editors are told: the README's commands, and the same extensions in a container.</summary>
public sealed class EditorTests
{
    private static JsonElement Read(params string[] path)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine([Lesson.Repository, .. path])));
        return document.RootElement.Clone();
    }

    private static string[] Strings(JsonElement list) => [.. list.EnumerateArray().Select(item => item.GetString()!)];

    [Fact]
    public void The_tasks_of_VS_Code_are_commands_of_the_README()
    {
        string readme = File.ReadAllText(Path.Combine(Lesson.Repository, "README.md"));
        var tasks = Read(".vscode", "tasks.json").GetProperty("tasks").EnumerateArray().ToArray();
        string[] commands = [.. tasks.Select(task => task.GetProperty("command").GetString()!)];
        Assert.All(commands, command => Assert.True(readme.Contains($"`{command}`", StringComparison.Ordinal)
            || readme.Contains(command + "\n", StringComparison.Ordinal), $"{command} is not in README.md"));
        Assert.Superset(new HashSet<string> { "dotnet build -c Release", "dotnet run -c Release --project lib/Cli -- run",
            "dotnet test ClipNotebooks.sln -c Release" }, new HashSet<string>(commands));
        Assert.Equal(tasks.Length, tasks.Select(task => task.GetProperty("label").GetString()).Distinct().Count());
        Assert.Equal(1, tasks.Count(task => task.TryGetProperty("group", out var group) && group.GetProperty("kind").GetString() == "build"
            && group.GetProperty("isDefault").GetBoolean()));
    }

    [Fact]
    public void The_extensions_for_lessons_are_recommended_in_VS_Code_and_in_the_container()
    {
        string[] recommended = Strings(Read(".vscode", "extensions.json").GetProperty("recommendations"));
        Assert.Contains("ms-dotnettools.dotnet-interactive-vscode", recommended);
        Assert.Equal(recommended, Strings(Read(".devcontainer", "devcontainer.json").GetProperty("customizations").GetProperty("vscode")
            .GetProperty("extensions")));
    }

    [Fact]
    public void The_container_has_the_SDK_and_builds_as_the_README_says()
    {
        JsonElement container = Read(".devcontainer", "devcontainer.json");
        Assert.StartsWith("mcr.microsoft.com/dotnet/sdk:10.0", container.GetProperty("image").GetString(), StringComparison.Ordinal);
        Assert.Equal("dotnet build -c Release", container.GetProperty("postCreateCommand").GetString());
    }

    [Fact]
    public void The_database_s_container_is_the_one_that_the_README_connects_to()
    {
        string compose = File.ReadAllText(Path.Combine(Lesson.Repository, "environment", "compose.yaml")),
            readme = File.ReadAllText(Path.Combine(Lesson.Repository, "environment", "README.md"));
        string Value(string key) => System.Text.RegularExpressions.Regex.Match(
            compose, $@"^ *{key}: (\S+)", System.Text.RegularExpressions.RegexOptions.Multiline).Groups[1].Value;
        Assert.Contains($"Host=localhost;Database={Value("POSTGRES_DB")};Username={Value("POSTGRES_USER")};" +
            $"Password={Value("POSTGRES_PASSWORD")}", readme, StringComparison.Ordinal);
        Assert.StartsWith("pgvector/pgvector:pg", Value("image"), StringComparison.Ordinal);
        Assert.Contains("- \"127.0.0.1:5432:5432\"\n", compose, StringComparison.Ordinal);
        Assert.Contains("docker compose -f environment/compose.yaml up -d --wait\n", readme, StringComparison.Ordinal);
    }
}
