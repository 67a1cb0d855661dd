using System.Text.RegularExpressions;
using System.Xml.Linq;
using ClipNotebooks.Cli.Emoji;
using ClipNotebooks.Workbook;
using ClipNotebooks.Workbook.Emoji;

namespace ClipNotebooks.Cli.Tests;

/// <summary>environment/notices names each package that the project refers to, with the licence that the package states.</summary>
public sealed partial class NoticeTests
{
    private static string Notices { get; } = Path.Combine(Lesson.Repository, "environment", "notices");

    private static (string Name, string Version)[] Packages { get; } =
    [
        .. XDocument.Load(Path.Combine(Lesson.Repository, "environment", "build", "Packages.props")).Descendants("PackageVersion")
            .Select(package => ((string)package.Attribute("Include")!, (string)package.Attribute("Version")!)),
    ];

    private static Dictionary<string, string> Rows { get; } = Row()
        .Matches(File.ReadAllText(Path.Combine(Notices, "README.md")).Split("| package | licence | by |\n|---|---|---|\n")[1])
        .ToDictionary(row => row.Groups["name"].Value, row => row.Groups["licence"].Value);

    [Fact]
    public void Each_package_has_its_row_and_no_other_has() =>
        Assert.Equal(Packages.Select(package => package.Name).Order(StringComparer.Ordinal), Rows.Keys.Order(StringComparer.Ordinal));

    /// <summary>Of other platforms' packages, which are not restored here, the row alone is held.</summary>
    [Fact]
    public void A_row_has_the_licence_that_the_package_states()
    {
        string folder = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        List<string> wrong = [];
        int read = 0;
        foreach (var (name, version) in Packages)
        {
            string file = Path.Combine(folder, name.ToLowerInvariant(), version.ToLowerInvariant(), $"{name.ToLowerInvariant()}.nuspec");
            if (!File.Exists(file)) continue;
            var licence = XDocument.Load(file).Descendants().FirstOrDefault(element => element.Name.LocalName == "license");
            if ((string?)licence?.Attribute("type") != "expression") continue;
            read++;
            if (Rows[name] != licence!.Value) wrong.Add($"{name} states {licence.Value}, the notice {Rows[name]}");
        }
        Assert.Empty(wrong);
        Assert.SkipWhen(read == 0, $"No package was restored into {folder}: the licences are held where they are.");
        Assert.True(read > 15, $"Of {Packages.Length} packages {read} were read in {folder}.");
    }

    /// <summary>What is drawn and named from packages that a user fetches has its row, by the licence that the package states.</summary>
    [Fact]
    public void Each_package_that_emoji_are_made_from_has_its_row()
    {
        var rows = Row().Matches(File.ReadAllText(Path.Combine(Notices, "README.md")).Split("| read | licence | by |\n|---|---|---|\n")[1]
            .Split("\n\n")[0]).Select(row => row.Groups["name"].Value);
        Assert.Equal(EmojiPackages.Designers.Select(designer => designer.Package).Append(EmojiPackages.Names), rows);
    }

    /// <summary>A text that a licence wants to be handed on is there.</summary>
    [Fact]
    public void The_font_s_licence_is_there_with_its_copyright()
    {
        string text = File.ReadAllText(Path.Combine(Notices, "Inter-OFL-1.1.txt"));
        Assert.StartsWith("Copyright (c) 2016 The Inter Project Authors", text, StringComparison.Ordinal);
        Assert.Contains("SIL OPEN FONT LICENSE", text, StringComparison.Ordinal);
    }

    /// <summary>What is kept of emoji has its licence beside it, and the texts that two of them want.</summary>
    [Theory]
    [InlineData("emoji", "Apache License 2.0", "Apache-2.0.txt", "Apache License")]
    [InlineData("openmoji", "CC BY-SA 4.0", "Unicode-3.0.txt", "UNICODE LICENSE V3")]
    public void Emoji_are_kept_with_their_licence(string folder, string licence, string file, string head)
    {
        string told = File.ReadAllText(Path.Combine(Lesson.Data, folder, "README.md"));
        Assert.Contains(licence, told, StringComparison.Ordinal);
        Assert.Contains($"environment/notices/{file}", told, StringComparison.Ordinal);
        Assert.StartsWith(head, File.ReadAllText(Path.Combine(Notices, file)).TrimStart(), StringComparison.Ordinal);
        Assert.Contains($"`data/{folder}`", File.ReadAllText(Path.Combine(Notices, "README.md")), StringComparison.Ordinal);
        int listed = EmojiGallery.Open(Path.Combine(Lesson.Data, folder)).Entries.Count;
        Assert.Equal(listed, Directory.GetFiles(Path.Combine(Lesson.Data, folder), "*.webp").Length);
    }

    [GeneratedRegex(@"^\| (?<name>[^|]+) \| (?<licence>[^|]+) \| [^|]*\|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
