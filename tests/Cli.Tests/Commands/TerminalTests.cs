using System.Text;
using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>What file names, labels and captions say to a terminal: nothing.</summary>
public sealed partial class TerminalTests : IDisposable
{
    // A title, a colour, a line over the one before, a bell, a control of eight bits, a text from right to left.
    private const string Hostile = "a\u001B]0;owned\u0007\u001B[31m\u001B[1A\u0008\u009B2J\u202Egnp\n\r\t!";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Control_characters_are_shown_by_signs()
    {
        Assert.Equal("a␛]0;owned␇␛[31m␛[1A␈�2J�gnp␊␍␉!", Terminal.Shown(Hostile));
        Assert.Equal("␀␡��", Terminal.Shown("\0\u007F\u0085\uD83D"));
        Assert.Equal("naïve café 日本 🙂 e\u0301", Terminal.Shown("naïve café 日本 🙂 e\u0301"));
        Assert.Equal("a\n\tb␛\nc", Terminal.ShownLines("a\r\n\tb\u001B\nc"));
    }

    /// <summary>Names with control characters are not to be had on Windows.</summary>
    [Fact]
    public async Task File_names_labels_and_texts_reach_no_terminal_as_they_are()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("File names have no control characters here.");
        string name = Hostile.Replace("\r", "", StringComparison.Ordinal), photos = Path.Combine(_folder.Path, "photos");
        string index = Path.Combine(_folder.Path, "index");
        string picture = Path.Combine(photos, name + ".png"), broken = Path.Combine(photos, name + "broken.png");
        Directory.CreateDirectory(photos);
        File.Copy(Path.Combine(Lesson.Data, "images", "cat.png"), picture);
        File.WriteAllText(broken, "no picture");
        string labels = _folder.Write("labels.txt", "cat\n\u001B[31mdog\u009B2J\n");
        string captions = _folder.Write("captions.csv", "image,text\nnone.png,\u001B[31ma\n");
        string[][] commands =
        [
            ["classify", picture, broken, "--labels", "@" + labels],
            ["classify", picture, broken, "--labels", "@" + labels, "--json"],
            ["index", photos, "--index", index],
            ["index", photos, "--index", index + "-" + name],
            ["index", photos, "--index", index, "--json"],
            ["search", "a cat \u001B[31m", "--index", index, "--gallery", Path.Combine(_folder.Path, "page" + name + ".html")],
            ["search", "a cat \u001B[31m", "--index", index, "--json"],
            ["search", "a cat", "--index", index + "none" + name],
            ["embed", photos, "--output", Path.Combine(_folder.Path, "shard" + name)],
            ["merge", Path.Combine(_folder.Path, "none" + name), "--index", index + "2"],
            ["evaluate", "--captions", captions],
            ["evaluate", "--images", Path.Combine(_folder.Path, "none" + name)],
            ["plots", "--images", photos, "--texts", Path.Combine(_folder.Path, "none" + name)],
            ["parity", Path.Combine(_folder.Path, "none" + name)],
            ["classify", picture, "--labels", "cat", "--model", Path.Combine(_folder.Path, "none" + name)],
            ["classify", picture, "--labels", "cat", "--precision", "\u001B[31m"],
            ["classify", picture, "--labels", "cat", "--model", Path.Combine(_folder.Path, "none" + name), "--verbose"],
            ["\u001B[31m"],
            ["run", "none" + name],
        ];
        foreach (string[] command in commands)
        {
            var (_, output, error) = await Clipbook.RunAsync(command);
            string shown = output + error;
            Assert.True(shown.Length > 0, command[0]);
            char[] raw = [.. shown.Where(c => (char.IsControl(c) && c is not ('\n' or '\r' or '\t')) || c == '\u202E').Distinct()];
            Assert.True(raw.Length == 0, $"{string.Join(' ', command)}: {string.Join(' ', raw.Select(c => $"U+{(int)c:X4}"))} in {shown}");
        }
    }

    /// <summary>A command that writes by itself would write what it is given.</summary>
    [Fact]
    public void All_that_is_written_goes_through_one_file()
    {
        string cli = Path.Combine(RepositoryRoot.Find(), "lib", "Cli");
        var writers = Directory.GetFiles(cli, "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin"))
            .Where(path => Writing().IsMatch(File.ReadAllText(path, Encoding.UTF8)))
            .Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
        // The completion scripts are the program's own text, and an assistant's protocol is no text for a terminal.
        Assert.Equal(["CompletionCommand.cs", "McpCommand.cs", "Terminal.cs"], writers);
    }

    [GeneratedRegex(@"\bConsole\.((Out\.|Error\.)?Write|OpenStandardOutput|OpenStandardError)|\bAnsiConsole\.")]
    private static partial Regex Writing();
}
