using System.Runtime.Intrinsics.X86;
using System.Text.Json;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>`classify`, `index`, `search` and `evaluate` on files, with the embedded model.</summary>
public sealed class ImageCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string Sample(string name) => Path.Combine(Lesson.Data, "images", name);

    private string Index => Path.Combine(_folder.Path, "index");

    public void Dispose() => _folder.Dispose();

    private static Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments) => Clipbook.RunAsync(arguments);

    private string Copy(string sample, string to)
    {
        string path = Path.Combine(_folder.Path, to);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Copy(Sample(sample), path, overwrite: true);
        return path;
    }

    [Fact]
    public async Task Classify_prints_the_best_class_first_with_its_bar()
    {
        var (code, output, error) = await RunAsync("classify", Sample("cat.png"), Sample("pizza.png"), "--labels", "dog,cat,pizza", "--top",
            "1");
        Assert.True(code == ExitCode.Success, error);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.Equal(4, lines.Length);
        Assert.EndsWith("cat.png", lines[0]);
        Assert.Matches("^cat .*%.*█", lines[1]);
        Assert.Matches("^pizza .*%.*█", lines[3]);
    }

    /// <summary>libtorch takes nearly half a second to load: what a few inputs do not need is not waited for.</summary>
    [Theory]
    [InlineData(false, "classify", "cat.png", "--labels", "cat,dog")]
    [InlineData(true, "classify", "cat.png", "--labels", "cat,dog", "--precision", "bfloat16")]
    [InlineData(false, "search", "a cat", "--not", "snow")]
    public async Task A_few_pictures_and_a_query_take_no_libtorch(bool loads, params string[] arguments)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Fma.IsSupported, "The dynamic loader of Linux says what it loads, on AVX2.");
        if (arguments[0] == "search")
        {
            Copy("cat.png", "photos/cat.png");
            Assert.Equal(ExitCode.Success, (await RunAsync("index", Path.Combine(_folder.Path, "photos"), "--index", Index)).Code);
            arguments = [.. arguments, "--index", Index];
        }
        string log = Path.Combine(_folder.Path, "loaded");
        var (code, _, error) = await TestProcess.RunAsync(TestProcess.DotNet, [typeof(Program).Assembly.Location, .. arguments],
            new Dictionary<string, string?> { ["LD_DEBUG"] = "files", ["LD_DEBUG_OUTPUT"] = log },
            Path.Combine(Lesson.Repository, "data", "images"));
        Assert.True(code == ExitCode.Success, error);
        var said = Directory.GetFiles(_folder.Path, "loaded.*").SelectMany(File.ReadLines);
        Assert.Equal(loads, said.Any(line => line.Contains("libtorch_cpu", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Classify_writes_one_object_a_line_and_an_unreadable_image_is_among_them()
    {
        string broken = _folder.Write("broken.png", "not a picture"), labels = _folder.Write("labels.txt", "# animals\ncat\n\ndog\n"),
            templates = _folder.Write("templates.txt", "a drawing of a {}\na {}");
        Copy("cat.png", "photos/a/cat.png");
        var (code, output, error) = await RunAsync("classify", broken, Path.Combine(_folder.Path, "photos"), "--labels", "@" + labels,
            "--templates", templates, "--json");
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains($"{broken} is not an image", error);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal([broken, Path.Combine(_folder.Path, "photos", "a", "cat.png")],
            lines.Select(line => line.GetProperty("file").GetString()));
        Assert.Contains("is not an image", lines[0].GetProperty("error").GetString());
        var classes = lines[1].GetProperty("classes").EnumerateArray().ToList();
        Assert.Equal("cat", classes[0].GetProperty("label").GetString());
        Assert.Equal(1, classes.Sum(entry => entry.GetProperty("probability").GetDouble()), 5); // rounded to six places each
    }

    /// <summary>The words of a file are the classes' names: none of them is guessed from bytes of another encoding.</summary>
    [Theory]
    [InlineData("labels-latin1.txt", "line 2: this is not UTF-8: the bytes E9 are no character here.")]
    [InlineData("labels-utf16-without-mark.txt", "line 1: this is not UTF-8: there is a NUL")]
    public async Task Labels_that_are_not_UTF_8_are_refused_by_file_and_line(string name, string reason)
    {
        string labels = Path.Combine(Lesson.Data, "..", "tests", "Clip.Tests", "Reference", "cases", "08-not-utf8-text", name);
        var (code, output, error) = await RunAsync("classify", Sample("cat.png"), "--labels", "@" + labels);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Empty(output);
        Assert.Contains($"{name}, {reason}", error, StringComparison.Ordinal);
    }

    /// <summary>A name may hold what a terminal obeys: a colour, a title, a cursor moved.</summary>
    [Fact]
    public async Task Control_characters_in_names_never_reach_a_terminal_raw()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows has no such names.");
        string name = "a\u001b[31m\u009b\u0007.png";
        Copy("cat.png", "photos/" + name);
        _folder.Write("photos/b\u001b]0;title.png", "not a picture");
        string photos = Path.Combine(_folder.Path, "photos");
        var (_, classified, refused) = await RunAsync("classify", photos, "--labels", "cat,dog");
        var (_, indexed, unreadable) = await RunAsync("index", photos, "--index", Index);
        var (_, found, _) = await RunAsync("search", "a cat", "--index", Index);
        var (_, _, absent) = await RunAsync("search", "--image", name, "--index", Index);
        foreach (string text in new[] { classified, refused, indexed, unreadable, found, absent }) Assert.DoesNotContain(
            text, c => char.IsControl(c) && c is not ('\n' or '\r'));
        Assert.Contains("␛[31m", classified, StringComparison.Ordinal);
        Assert.Contains("b␛]0;title.png is not an image", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Classes_of_a_multi_label_answer_have_probabilities_of_their_own()
    {
        // Three names of one animal: as classes that exclude each other the best would have to leave the others less than half.
        var (code, output, error) = await RunAsync("classify", Sample("cat.png"), "--labels", "cat,white cat,cat at night", "--multi-label",
            "--json");
        Assert.True(code == ExitCode.Success, error);
        Assert.True(JsonDocument.Parse(output).RootElement.GetProperty("classes").EnumerateArray()
            .Sum(entry => entry.GetProperty("probability").GetDouble()) > 1.5, output);
    }

    [Theory]
    [InlineData("--labels holds no label", "--labels", " ")]
    [InlineData("label 2 of 3 is empty", "--labels", "cat,,dog")]
    [InlineData("\"cat\" is there 2 times", "--labels", "cat,dog,cat")]
    [InlineData("--top is 0", "--labels", "cat", "--top", "0")]
    [InlineData("--labels")]
    public async Task Labels_that_cannot_be_meant_are_wrong_usage(string message, params string[] arguments)
    {
        var (code, _, error) = await RunAsync(["classify", Sample("cat.png"), .. arguments]);
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains(message, error);
    }

    [Fact]
    public async Task A_folder_is_indexed_searched_shown_and_brought_up_to_date()
    {
        foreach (string name in new[] { "cat.png", "pizza.png", "sunset-over-the-ocean.png" }) Copy(name, "photos/" + name);
        string photos = Path.Combine(_folder.Path, "photos"), page = Path.Combine(_folder.Path, "found", "page.html");
        File.Move(Path.Combine(photos, "pizza.png"), Path.Combine(photos, "<b>pizza&.png"));
        Assert.Contains("3 added", (await RunAsync("index", photos, "--index", Index)).Output);

        var (code, output, error) = await RunAsync("search", "a sunset over the ocean", "--index", Index, "--json");
        Assert.True(code == ExitCode.Success, error);
        var results = JsonDocument.Parse(output).RootElement.GetProperty("results").EnumerateArray().ToList();
        Assert.Equal(3, results.Count);
        Assert.Equal("sunset-over-the-ocean.png", results[0].GetProperty("id").GetString());

        (code, output, error) = await RunAsync("search", "--image", Sample("pizza.png"), "--not", "a cat", "--top", "1", "--index", Index,
            "--gallery", page);
        Assert.True(code == ExitCode.Success, error);
        Assert.Contains("<b>pizza&.png", output);
        Assert.DoesNotContain("cat.png", output);
        string html = File.ReadAllText(page);
        Assert.Contains("&lt;b&gt;pizza&amp;.png", html);
        Assert.DoesNotContain("<b>pizza", html);
        Assert.Contains("data:image/webp;base64,", html);

        File.Delete(Path.Combine(photos, "cat.png"));
        string broken = _folder.Write("photos/broken.png", "not a picture");
        (code, output, error) = await RunAsync("index", photos, "--index", Index, "--json");
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains(broken, error);
        var report = JsonDocument.Parse(output).RootElement;
        Assert.Equal((2, 2), (report.GetProperty("images").GetInt32(), report.GetProperty("unchanged").GetInt32()));
        Assert.Equal("cat.png", Assert.Single(report.GetProperty("removed").EnumerateArray()).GetString());
    }

    [Fact]
    public async Task A_search_without_an_index_or_a_question_says_what_to_do()
    {
        var (code, _, error) = await RunAsync("search", "a cat", "--index", Index);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains($"Make one: clipbook index FOLDER --index {Index}", error);
        Assert.Equal(ExitCode.Usage, (await RunAsync("search", "--index", Index)).Code);
        Assert.Equal(ExitCode.Failed, (await RunAsync("index", Path.Combine(_folder.Path, "nowhere"), "--index", Index)).Code);
        Assert.False(Directory.Exists(Index), "an index was made of nothing");
    }

    [Fact]
    public async Task Folders_of_classes_are_evaluated()
    {
        foreach (string name in new[] { "cat", "dog", "pizza" }) Copy(name + ".png", $"classes/{name}/1.png");
        var (code, output, error) = await RunAsync("evaluate", "--images", Path.Combine(_folder.Path, "classes"), "--json");
        Assert.True(code == ExitCode.Success, error);
        var report = JsonDocument.Parse(output).RootElement;
        Assert.Equal(["cat", "dog", "pizza"], report.GetProperty("classes").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal((3, 1.0, 1.0), (report.GetProperty("count").GetInt32(), report.GetProperty("top1").GetDouble(),
            report.GetProperty("meanPerClassRecall").GetDouble()));
        Assert.Contains("mean per-class recall", (await RunAsync("evaluate", "--images", Path.Combine(_folder.Path, "classes"))).Output);
    }

    [Fact]
    public async Task A_file_of_captions_is_evaluated()
    {
        Copy("cat.png", "pictures/cat.png");
        Copy("pizza.png", "pictures/pizza.png");
        string captions = _folder.Write("pictures/captions.csv", "filepath,title\ncat.png,a white cat\ncat.png,\"a cat, at " +
            "night\"\npizza.png,a pizza\n");
        var (code, output, error) = await RunAsync("evaluate", "--captions", captions, "--json");
        Assert.True(code == ExitCode.Success, error);
        var first = JsonDocument.Parse(output).RootElement.GetProperty("at")[0];
        Assert.Equal((1.0, 0.75, 1.0), (first.GetProperty("imageToTextHitRate").GetDouble(),
            first.GetProperty("imageToTextRecall").GetDouble(), first.GetProperty("textToImageRecall").GetDouble()));
        Assert.Contains("true recall", (await RunAsync("evaluate", "--captions", captions)).Output);
        string elsewhere = _folder.Write("captions.csv", await File.ReadAllTextAsync(captions));
        Assert.Equal(output, (await RunAsync("evaluate", "--captions", elsewhere, "--images", Path.Combine(_folder.Path, "pictures"),
            "--json")).Output);
        Assert.Equal(ExitCode.Usage, (await RunAsync("evaluate", "--captions", captions, "--templates", captions)).Code);
    }
}
