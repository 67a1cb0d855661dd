using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Export;

namespace ClipNotebooks.Notebooks.Tests.Export;

/// <summary>
/// English lessons, exported and executed once by Jupyter's client in the real kernel, beside the shared run: two, and a short one whose
/// output changes while it runs, which between them show every kind of output; all with <c>CLIP_LONG_TESTS=1</c>.
/// </summary>
public sealed partial class JupyterRunTests(LessonRun run)
{
    private static readonly string Root = Path.GetDirectoryName(Lessons.Folder)!;
    private static readonly string Folder = Path.Combine(Root, "artifacts", "test-jupyter");
    private static Task<string?>? _lacking, _executed;

    /// <summary>Pictures, plots, what a page answers by hand.</summary>
    private static readonly string[] Always = ["00-start-here.dib", "04-contrastive-loss.dib"];

    /// <summary>What changes while it runs, as in lesson 05, whose training takes a minute.</summary>
    private const string Changing = "changing.dib";

    private const string ChangingCells = """
        #!csharp
        #r "../../lib/Workbook/bin/Release/net10.0/ClipNotebooks.Workbook.dll"
        using ClipNotebooks.Workbook.Views;
        Console.WriteLine("before");
        IView State(int step) => new Panels(new CurveView($"Loss after {step} steps", "step", "loss", [("loss", [1, step], [2, 1])]));
        var view = LiveView.Show(State(2));
        for (int step = 3; step <= 6; step++) view.Update(State(step));
        Console.WriteLine("after");
        """;

    private static LessonResult? _changing;

    private static bool Long => Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1";

    [Theory(SkipTestWithoutData = true), MemberData(nameof(ProgramTests.English), MemberType = typeof(ProgramTests))]
    public async Task Jupyter_shows_what_the_run_shows(string name)
    {
        using JsonDocument document = await ExecutedAsync(name);
        Alike(name, run.Results[name], document);
    }

    [Fact]
    public async Task What_changes_while_it_runs_is_one_picture_in_its_last_state_in_Jupyter_too()
    {
        using JsonDocument document = await ExecutedAsync(Changing);
        Alike(Changing, _changing!, document);
        string shown = string.Concat(Code(document).Single().GetProperty("outputs").EnumerateArray().Select(output => output.ToString()));
        Assert.Contains("Loss after 6 steps", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("Loss after 5 steps", shown, StringComparison.Ordinal);
    }

    private static void Alike(string name, LessonResult result, JsonDocument document)
    {
        JsonElement[] code = [.. Code(document)];
        Assert.Equal(result.Cells.Count, code.Length);
        foreach (var (cell, executed) in result.Cells.Zip(code))
        {
            var outputs = Whole(executed.GetProperty("outputs").EnumerateArray().Where(output => !IsTheKernelsOwn(output)));
            string here = $"{name}, cell {cell.Cell.Number}:\n";
            string kinds = string.Join('\n', outputs.Select(output => output.Kind));
            Assert.Equal(here + string.Join('\n', cell.Outputs.Select(Kind)), here + kinds);
            foreach (var (expected, shown) in cell.Outputs.Zip(outputs))
                Assert.Equal(here + Comparable(expected.Text), here + Comparable(shown.Text ?? expected.Text));
        }
    }

    /// <summary>A viewer that runs no scripts removes them, and inline SVG with them.</summary>
    [Theory(SkipTestWithoutData = true), MemberData(nameof(ProgramTests.English), MemberType = typeof(ProgramTests))]
    public async Task An_executed_notebook_has_one_plotly_at_most_and_shows_the_still_forms_without_scripts(string name)
    {
        using JsonDocument document = await ExecutedAsync(name);
        string[] shown = [.. Code(document).SelectMany(cell => cell.GetProperty("outputs").EnumerateArray())
            .Where(output => output.TryGetProperty("data", out _) && !IsTheKernelsOwn(output))
            .Select(output => Form(output.GetProperty("data"), "text/html")).OfType<string>().Where(html => !PlainText().IsMatch(html))];
        bool plots = shown.Any(html => html.Contains("<figure class=\"clip-plot\"", StringComparison.Ordinal));
        Assert.Equal(plots ? 1 : 0, shown.Sum(html => html.Split("* plotly.js v").Length - 1));
        string[] still = [.. run.Results[name].Cells.SelectMany(cell => cell.Outputs).Select(output => output.Html).OfType<string>()
            .Select(html => OutputMarkup.Still(html))];
        Assert.Equal(still.Select(Visible), shown.Select(html => Visible(Removed().Replace(html, ""))));
    }

    /// <summary>A lesson's notebook after the run in Jupyter, which is one for all of them: as many at a time as `clipbook run`.</summary>
    private async Task<JsonDocument> ExecutedAsync(string name)
    {
        Assert.SkipUnless(Long || name == Changing || Always.Contains(name),
            $"{Always.Length} lessons are run by Jupyter here, all with CLIP_LONG_TESTS=1.");
        string? lacking = await (_lacking ??= LackingAsync());
        Assert.SkipWhen(lacking is not null, lacking ?? "");
        string? fault = await (_executed ??= ExecuteAsync());
        Assert.True(fault is null, fault);
        return JsonDocument.Parse(await File.ReadAllBytesAsync(FileOf(name)));
    }

    private async Task<string?> ExecuteAsync()
    {
        Directory.CreateDirectory(Folder);
        string changing = Path.Combine(Folder, Changing);
        await File.WriteAllTextAsync(changing, ChangingCells);
        _changing = (await LessonRunner.RunAsync([changing], new RunOptions(), null, null, CancellationToken.None)).Single();
        // The longest first: then no core waits at the end.
        LessonResult[] lessons =
            [.. run.Results.Values.Where(result => result.Edition.IsEnglish && (Long || Always.Contains(Lessons.NameOf(result.Path))))
                .Append(_changing).OrderByDescending(result => result.Seconds)];
        string[] files = [.. lessons.Select(lesson => FileOf(Path.GetFileName(lesson.Path)))];
        foreach (var (lesson, file) in lessons.Zip(files))
            await File.WriteAllTextAsync(file, JupyterNotebook.Write(lesson.Notebook!, Folder, null));
        string script = Path.Combine(Root, "tests", "Notebooks.Tests", "Export", "execute.py");
        string count = new RunOptions().Parallel.ToString(CultureInfo.InvariantCulture);
        return await RunAsync(Python!, [script, count, .. files]);
    }

    /// <summary>Debian's package belongs to Debian's Python, which need not be the first on the path.</summary>
    private static string? Python { get; set; }

    private static async Task<string?> LackingAsync()
    {
        foreach (string python in new[] { "python3", "/usr/bin/python3" })
            if (Python is null && await RunAsync(python, "-c", "import nbclient") is null)
                Python = python;
        return Python is null ? "there is no python3 with nbclient here (Debian: apt install python3-nbclient)"
            : await RunAsync("dotnet", "dotnet-interactive", "--version") is null ? null
            : "the kernel is not restored here (dotnet tool restore)";
    }

    private static string FileOf(string name) => Path.Combine(Folder, Path.ChangeExtension(name, ".ipynb"));

    private static IEnumerable<JsonElement> Code(JsonDocument notebook) =>
        notebook.RootElement.GetProperty("cells").EnumerateArray().Where(cell => cell.TryGetProperty("outputs", out _));

    /// <summary>Text that follows text of the same stream is one output, as in JupyterLab.</summary>
    private static List<(string Kind, string? Text)> Whole(IEnumerable<JsonElement> outputs)
    {
        List<(string Kind, string? Text)> whole = [];
        foreach (JsonElement output in outputs)
        {
            var next = (Kind: Kind(output), Text: Text(output));
            if (next.Kind.StartsWith("stream", StringComparison.Ordinal) && whole is [.., var last] && last.Kind == next.Kind)
                whole[^1] = (last.Kind, last.Text + next.Text);
            else
                whole.Add(next);
        }
        return whole;
    }

    /// <summary>
    /// With its first cell the kernel shows a script of its own, by which pages reach it; and it prints the compiler's warnings, as that
    /// TorchSharp was built against an earlier System.Runtime.Numerics (CS1701).
    /// </summary>
    private static bool IsTheKernelsOwn(JsonElement output) => output.TryGetProperty("data", out var data)
        ? Form(data, "text/html")?.Contains("dotnet-interactive-this-cell", StringComparison.Ordinal) is true
        : Kind(output) == "stream stderr" && Warnings().IsMatch(Text(output)!);

    private static string Kind(CellOutput output) => output.Source switch
    {
        OutputSource.Printed => "stream stdout",
        OutputSource.Error => "stream stderr",
        OutputSource.Shown => "display_data",
        _ => "execute_result",
    } + (output.Html is null ? "" : " html");

    private static string Kind(JsonElement output)
    {
        string type = output.GetProperty("output_type").GetString()!;
        if (type == "stream")
            return $"stream {output.GetProperty("name").GetString()}";
        if (type == "error")
            return $"error {output.GetProperty("evalue").GetString()}";
        return type + (Form(output.GetProperty("data"), "text/html") is { } html && !PlainText().IsMatch(html) ? " html" : "");
    }

    /// <summary>The text of an output; null where it has markup alone.</summary>
    private static string? Text(JsonElement output)
    {
        if (output.TryGetProperty("text", out JsonElement printed))
            return Joined(printed);
        if (!output.TryGetProperty("data", out JsonElement data))
            return null;
        Match plain = PlainText().Match(Form(data, "text/html") ?? "");
        return Form(data, "text/plain") ?? (plain.Success ? WebUtility.HtmlDecode(plain.Groups[1].Value) : null);
    }

    private static string? Form(JsonElement data, string mimeType) =>
        data.TryGetProperty(mimeType, out JsonElement form) ? Joined(form) : null;

    private static string Joined(JsonElement text) =>
        text.ValueKind == JsonValueKind.String ? text.GetString()! : string.Concat(text.EnumerateArray().Select(line => line.GetString()));

    /// <summary>Without what is another at each run: times, and the memory and the folders of the process.</summary>
    private static string Comparable(string text) => Varying().Replace(text.ReplaceLineEndings("\n"), "#").TrimEnd();

    /// <summary>What a reader sees of markup: its words, and its images.</summary>
    private static string Visible(string html) =>
        Comparable(Space().Replace(Tag().Replace(html, found => found.Groups[1].Success ? found.Value[1..^1] : " "), " ").Trim());

    /// <returns>What the program complains of; null for nothing.</returns>
    private static async Task<string?> RunAsync(string program, params string[] arguments)
    {
        // As many threads as a lesson has under `clipbook run`: sums come out alike.
        string threads = $"{Math.Max(1, Environment.ProcessorCount / new RunOptions().Parallel)}";
        Dictionary<string, string?> environment = new()
        {
            ["JUPYTER_PATH"] = Path.Combine(Root, "environment", "jupyter"),
            ["JUPYTER_RUNTIME_DIR"] = Path.Combine(Folder, "runtime"),
            ["OMP_NUM_THREADS"] = threads,
            ["MKL_NUM_THREADS"] = threads,
        };
        try
        {
            var (code, said, complaint) = await TestProcess.RunAsync(program, arguments, environment, Root, TimeSpan.FromMinutes(15));
            return code == 0 ? null : said + complaint;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            return missing.Message;
        }
    }

    /// <summary>How the kernel frames text that has no markup.</summary>
    [GeneratedRegex("^<div class=\"dni-plaintext\"><pre>(.*?)</pre></div>", RegexOptions.Singleline)]
    private static partial Regex PlainText();

    [GeneratedRegex(@"[\d.,]+(?= ?(?:ms|s|seconds|min|minutes|MB|GB|MiB|GiB)\b)|/tmp/\S+")]
    private static partial Regex Varying();

    /// <summary>What GitHub and JupyterLab take out of markup that they do not trust.</summary>
    [GeneratedRegex(@"<script\b.*?</script>|<svg\b.*?</svg>", RegexOptions.Singleline)]
    private static partial Regex Removed();

    [GeneratedRegex("<(img )?[^>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    [GeneratedRegex(@"^(?:\s|[^\n]*\bwarning CS\d{4}: [^\n]*\n)+$")]
    private static partial Regex Warnings();
}
