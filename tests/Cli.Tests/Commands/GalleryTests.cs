using System.Net;
using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>The page that `search --gallery` writes and `--open` shows.</summary>
public sealed partial class GalleryTests : IDisposable
{
    private static readonly string[] Hostile =
    [
        "\"><img src=x onerror=alert(1)>.png", "' onmouseover='alert(1)' x='.png", "<script>alert(1)<!--.png", "&lt;b&gt;.png",
            "{{7*7}}${7*7}.png", "line\nbreak.png", "\u202egnp.exe.png", "노을 🌅.png",
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Hostile_names_and_questions_are_text_on_the_page_and_every_picture_is_in_it()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such file names.");
        string photos = Path.Combine(_folder.Path, "photos"), index = Path.Combine(_folder.Path, "index"),
            page = Path.Combine(_folder.Path, "page.html"), cat = Path.Combine(Lesson.Data, "images", "cat.png");
        Directory.CreateDirectory(photos);
        foreach (string name in Hostile) File.Copy(cat, Path.Combine(photos, name));
        const string question = "</title></style><script>alert(1)</script>\" onload=\"alert(1)";
        Assert.Equal(ExitCode.Success, (await Clipbook.RunAsync("index", photos, "--index", index)).Code);
        var (code, _, error) = await Clipbook.RunAsync("search", question, "--index", index, "--gallery", page);
        Assert.True(code == ExitCode.Success, error);

        string html = await File.ReadAllTextAsync(page);
        var tags = Tag().Matches(html).Select(tag => tag.Value).ToList();
        // What the page itself is made of, and nothing that a name or the question brought in.
        Assert.Empty(tags.Select(tag => TagName().Match(tag).Value)
            .Except(["!doctype", "html", "head", "meta", "title", "style", "body", "div", "p", "strong", "ol", "li", "img", "br"]));
        Assert.DoesNotContain(tags, tag => Handler().IsMatch(Quoted().Replace(tag, "\"\"")));
        Assert.Equal(WebUtility.HtmlEncode(question), Between(html, "<title>", "</title>"));

        string[] images = [.. tags.Where(tag => tag.StartsWith("<img", StringComparison.Ordinal))];
        Assert.Equal(Hostile.Length, images.Length);
        // Each is a picture: WebP in its container.
        Assert.All(images, image => Assert.Equal("RIFF", System.Text.Encoding.ASCII.GetString(
            Convert.FromBase64String(Between(image, "src=\"data:image/webp;base64,", "\"")), 0, 4)));
        string[] spoken = [.. images.Select(image => WebUtility.HtmlDecode(Between(image, "alt=\"", "\"")))];
        Assert.All(Hostile, name => Assert.Single(spoken, alt => alt.Contains(Terminal.Shown(name), StringComparison.Ordinal)));
        Assert.DoesNotContain(html, c => char.IsControl(c) && c != '\n' || c == '\u202e');
    }

    [Fact]
    public async Task A_picture_that_is_gone_is_named_and_the_others_are_shown()
    {
        string photos = Path.Combine(_folder.Path, "photos"), index = Path.Combine(_folder.Path, "index"),
            page = Path.Combine(_folder.Path, "page.html");
        Directory.CreateDirectory(photos);
        foreach (string name in new[] { "cat.png", "dog.png" }) File.Copy(
            Path.Combine(Lesson.Data, "images", name), Path.Combine(photos, name));
        await Clipbook.RunAsync("index", photos, "--index", index);
        File.Delete(Path.Combine(photos, "dog.png"));
        var (code, _, error) = await Clipbook.RunAsync("search", "an animal", "--index", index, "--gallery", page);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("dog.png is not on the gallery", error, StringComparison.Ordinal);
        Assert.Single(Tag().Matches(await File.ReadAllTextAsync(page)), tag => tag.Value.StartsWith("<img", StringComparison.Ordinal));
        Assert.Equal(["index", "page.html", "photos"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order());
    }

    private static string Between(string text, string before, string after)
    {
        int from = text.IndexOf(before, StringComparison.Ordinal);
        Assert.True(from >= 0, $"{before} is not in {text[..Math.Min(200, text.Length)]}");
        from += before.Length;
        return text[from..text.IndexOf(after, from, StringComparison.Ordinal)];
    }

    // As HTML reads it: a tag ends at the first > that no quotation marks hold.
    [GeneratedRegex("<[!/a-zA-Z](\"[^\"]*\"|'[^']*'|[^>\"'])*>")]
    private static partial Regex Tag();

    [GeneratedRegex("(?<=^</?)!?[a-z]+")]
    private static partial Regex TagName();

    [GeneratedRegex("\"[^\"]*\"|'[^']*'")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\son\w+\s*=", RegexOptions.IgnoreCase)]
    private static partial Regex Handler();
}
