using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests.Commands;

public sealed class PlotsCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Output => Path.Combine(_folder.Path, "plots");

    public void Dispose() => _folder.Dispose();

    private async Task<string> RefusedAsync(params string[] arguments)
    {
        StringWriter error = new();
        Assert.NotEqual(ExitCode.Success, await Program.RunAsync(["plots", "--output", Output, .. arguments], error));
        Assert.DoesNotContain("   at ", error.ToString(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Output), "something was written");
        return error.ToString();
    }

    [Fact]
    public async Task Images_and_captions_of_ones_own_are_plotted()
    {
        string captions = _folder.Write("captions.txt", "a cat\n\na pizza\n");
        Directory.CreateDirectory(Path.Combine(_folder.Path, "photos"));
        foreach (string name in new[] { "cat.png", "pizza.png" }) File.Copy(
            Path.Combine(Lesson.Data, "images", name), Path.Combine(_folder.Path, "photos", name));
        StringWriter error = new();
        Assert.Equal(ExitCode.Success, await Program.RunAsync(
            ["plots", "--images", Path.Combine(_folder.Path, "photos"), "--texts", captions, "--output", Output], error));
        Assert.Equal(["similarity-matrix.html", "similarity-matrix.png"], Directory.GetFiles(Output).Select(Path.GetFileName).Order());
        Assert.Contains("a pizza", File.ReadAllText(Path.Combine(Output, "similarity-matrix.html")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_lessons_map_shows_first_is_what_the_model_of_emoji_finds()
    {
        Assert.Equal(ExitCode.Success, await Program.RunAsync(["plots", "--output", Output], new StringWriter()));
        foreach (string name in new[] { "emoji-finds.en.html", "emoji-finds.ko.html" })
            Assert.Equal(File.ReadAllText(Path.Combine(Lesson.Data, "plots", name)), File.ReadAllText(Path.Combine(Output, name)));
    }

    [Fact]
    public async Task A_file_without_a_caption_is_named()
    {
        string empty = _folder.Write("captions.txt", "\n  \n");
        Assert.Contains($"{empty} holds no caption", await RefusedAsync("--images", Path.Combine(Lesson.Data, "images"), "--texts", empty),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_without_an_image_is_named()
    {
        string captions = _folder.Write("captions.txt", "a cat");
        Assert.Contains($"{_folder.Path} holds no image", await RefusedAsync("--images", _folder.Path, "--texts", captions),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_that_is_none_is_named()
    {
        string captions = _folder.Write("captions.txt", "a cat"), image = _folder.Write("cat.png", "not a picture");
        Assert.Contains($"{image} is not an image", await RefusedAsync("--images", _folder.Path, "--texts", captions),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_without_a_model_is_named() =>
        Assert.Contains(_folder.Path, await RefusedAsync("--model", _folder.Path), StringComparison.Ordinal);

    [Fact]
    public async Task Images_without_captions_are_wrong_usage() =>
        Assert.Contains("--images and --texts go together", await RefusedAsync("--images", _folder.Path), StringComparison.Ordinal);
}
