using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Export;

namespace ClipNotebooks.Notebooks.Tests.Export;

/// <summary>The English lessons, exported and executed by Jupyter's client in the real kernel, beside the run of `clipbook`.</summary>
[Collection(LessonRunCollection.Name)]
public sealed partial class JupyterRunTests(LessonRun run)
{
    private static readonly string Root = Path.GetDirectoryName(Lessons.Folder)!;
    private static readonly string Folder = Path.Combine(Root, "artifacts", "test-jupyter");

    /// <summary>Debian's package belongs to Debian's Python, which need not be the first on the path.</summary>
    private static readonly Lazy<string?> Python = new(() =>
        new[] { "python3", "/usr/bin/python3" }.FirstOrDefault(python => Run(python, "-c", "import nbclient") is null));

    private static readonly Lazy<string?> Missing = new(() =>
        Python.Value is null ? "there is no python3 with nbclient here (Debian: apt install python3-nbclient)"
        : Run("dotnet", "dotnet-interactive", "--version") is null ? null : "the kernel is not restored here (dotnet tool restore)");

    private static readonly Lazy<string?> Executed = new(() =>
    {
        Directory.CreateDirectory(Folder);
        foreach (string name in Names)
        {
            Notebook lesson = Notebook.Load(Path.Combine(Lessons.Folder, name));
            File.WriteAllText(FileOf(name), JupyterNotebook.Write(lesson, Folder, null));
        }
        string script = Path.Combine(Root, "tests", "Notebooks.Tests", "Export", "execute.py");
        return Run(Python.Value!, [script, $"{new RunOptions().Parallel}", .. Names.Select(FileOf)]);
    });

    private static string[] Names => [.. Lessons.Paths.Where(path => Edition.Of(path).IsEnglish).Select(Lessons.NameOf)];

    private static string FileOf(string name) => Path.Combine(Folder, Path.ChangeExtension(name, ".ipynb"));

    [Theory(SkipTestWithoutData = true), MemberData(nameof(ProgramTests.English), MemberType = typeof(ProgramTests))]
    public void Jupyter_shows_what_the_run_shows(string name)
    {
        Assert.SkipWhen(Missing.Value is not null, Missing.Value ?? "");
        Assert.Null(Executed.Value);
        using var document = JsonDocument.Parse(File.ReadAllText(FileOf(name)));
        JsonElement[] code = [.. Code(document)];
        LessonResult result = run.Results[name];
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

    [Theory(SkipTestWithoutData = true), MemberData(nameof(ProgramTests.English), MemberType = typeof(ProgramTests))]
    public void An_executed_notebook_has_one_plotly_at_most_and_plots_that_need_none(string name)
    {
        Assert.SkipWhen(Missing.Value is not null, Missing.Value ?? "");
        Assert.Null(Executed.Value);
        using var document = JsonDocument.Parse(File.ReadAllText(FileOf(name)));
        int copies = 0;
        foreach (JsonElement cell in Code(document))
            foreach (JsonElement output in cell.GetProperty("outputs").EnumerateArray())
            {
                if (!output.TryGetProperty("data", out var data) || Form(data, "text/html") is not { } html)
                    continue;
                copies += html.Contains("* plotly.js v", StringComparison.Ordinal) ? 1 : 0;
                string cleaned = Removed().Replace(html, "");
                Assert.Equal(Plot().Count(html), StillPlot().Count(cleaned));
            }
        Assert.InRange(copies, 0, 1);
    }

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

    /// <summary>With its first cell the kernel shows a script of its own, by which pages reach it.</summary>
    private static bool IsTheKernelsOwn(JsonElement output) =>
        output.TryGetProperty("data", out var data)
        && Form(data, "text/html")?.Contains("dotnet-interactive-this-cell", StringComparison.Ordinal) is true;

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

    /// <returns>What the program complains of; null for nothing.</returns>
    private static string? Run(string program, params string[] arguments)
    {
        ProcessStartInfo info = new(program, arguments)
        {
            WorkingDirectory = Root,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        info.Environment["JUPYTER_PATH"] = Path.Combine(Root, "environment", "jupyter");
        // As many threads as a lesson has under `clipbook run`: sums come out alike.
        string threads = $"{Math.Max(1, Environment.ProcessorCount / new RunOptions().Parallel)}";
        info.Environment["OMP_NUM_THREADS"] = info.Environment["MKL_NUM_THREADS"] = threads;
        try
        {
            using Process process = Process.Start(info)!;
            var said = process.StandardOutput.ReadToEndAsync();
            string complaint = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : said.Result + complaint;
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

    [GeneratedRegex("<figure class=\"clip-plot\"")]
    private static partial Regex Plot();

    [GeneratedRegex("<div class=\"clip-plot-still\" role=\"img\"[^>]*>\\s*(?:<div[^>]*>\\s*)?<(?:img|table)")]
    private static partial Regex StillPlot();
}
