using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>Files that options name and that are not what is needed: said before a model is opened.</summary>
public sealed class GivenFileTests : IDisposable
{
    private static readonly string Images = Path.Combine(Lesson.Data, "images"), Model = Path.Combine(Lesson.Data, "models", "tiny-clip");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("classify IMAGES --labels @FILE")]
    [InlineData("classify IMAGES --labels cat,dog --templates FILE")]
    [InlineData("evaluate --images IMAGES --templates FILE")]
    [InlineData("evaluate --captions FILE")]
    [InlineData("train --from MODEL --output OUTPUT --captions FILE")]
    [InlineData("plots --images IMAGES --output OUTPUT --texts FILE")]
    [InlineData("search --index OUTPUT --image FILE")]
    [InlineData("serve --api --port 0 --key-file FILE")]
    public async Task A_file_that_is_missing_or_a_folder_or_empty_is_wrong_usage_and_named_with_its_option(string command)
    {
        string option = command.Split(' ')[^2], output = Path.Combine(_folder.Path, "output"),
            missing = Path.Combine(_folder.Path, "missing.json"), folder = Path.Combine(_folder.Path, "folder.json"),
            empty = _folder.Write("empty.json", "");
        Directory.CreateDirectory(folder);
        foreach (var (file, said) in new[] { (missing, $"{option} {missing}: there is no such file; "),
            (folder, $"{option} {folder}: this is a folder; "), (empty, empty) })
        {
            var (code, _, error) = await Clipbook.RunAsync([.. command.Split(' ').Select(word => word
                .Replace("FILE", file, StringComparison.Ordinal).Replace("IMAGES", Images, StringComparison.Ordinal)
                .Replace("MODEL", Model, StringComparison.Ordinal).Replace("OUTPUT", output, StringComparison.Ordinal))]);
            Assert.True(code == ExitCode.Usage, $"{code}: {error}");
            Assert.Contains(said, error, StringComparison.Ordinal);
            Assert.DoesNotContain("--verbose", error, StringComparison.Ordinal);
        }
        Assert.False(Directory.Exists(output));
    }

    [Theory]
    [InlineData("export", "FILE", "--to", "ipynb")]
    [InlineData("evaluate", "--images", "FILE")]
    public async Task A_lesson_or_a_folder_that_is_not_there_is_said_without_a_word_of_traces(params string[] arguments)
    {
        string missing = Path.Combine(_folder.Path, "missing.dib");
        var (code, _, error) = await Clipbook.RunAsync([.. arguments.Select(word => word == "FILE" ? missing : word)]);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains(missing, error, StringComparison.Ordinal);
        Assert.DoesNotContain("--verbose", error, StringComparison.Ordinal);
    }
}
