using ClipNotebooks.Cli.Notebooks;

namespace ClipNotebooks.Cli.Tests.Notebooks;

/// <summary>
/// A lesson of parts that do not concern each other, run once, going on after failures, for all tests that look at what one of them shows.
/// </summary>
public sealed class LessonOfParts : IDisposable
{
    private static readonly string Torch = typeof(TorchSharp.torch).Assembly.Location;

    private static readonly (string Name, string Cells)[] Parts =
    [
        ("state", """
            #!csharp
            int Twice(int x) => 2 * x;
            Console.Write("printed");
            display(HTML("<b>bold</b>"));
            new[] { 1, 2 }.Select(Twice).ToArray()
            #!csharp
            using Microsoft.DotNet.Interactive;
            await Task.Delay(1);
            var shown = KernelInvocationContext.Current.Display(1);
            shown.Update(Twice(21));
            1.Display();
            """),
        ("process", """
            #!csharp
            var left = OperatingSystem.IsWindows() ? null : System.Diagnostics.Process.Start("sleep", "600"); left?.Id
            """),
        ("view", """
            #!csharp
            class TypeFormatterSourceAttribute(Type source) : Attribute
            {
                public Type FormatterSourceType => source;
                public string[] PreferredMimeTypes => ["text/html", "text/plain"];
            }
            class Source
            {
                public IEnumerable<object> CreateTypeFormatters() => [new Form("text/html", "<i>view</i>"), new Form("text/plain", "view")];
            }
            class Form(string type, string text)
            {
                public string MimeType => type;
                public bool Format(object x, System.IO.TextWriter to) { to.Write(text); return true; }
            }
            [TypeFormatterSource(typeof(Source))] class View;
            new View()
            """),
        ("reference", """
            #!csharp
            #r "./Beside.dll"
            Markdig.Markdown.ToHtml("*a*").Trim()
            """),
        ("failures", """
            #!csharp
            throw new Exception("first");
            #!csharp

            var a = 1;

            var b = ;
            #!csharp
            7
            """),
        ("endless", """
            #!csharp
            for (int i = 0; i < 30000; i++) Console.Write("0123456789");
            """),
        ("tensors", $"""
            #!csharp
            #r "{Torch}"
            var x = TorchSharp.torch.zeros(3) + 1;
            AppContext.SetData("kept", TorchSharp.torch.zeros(3));
            """),
        ("threads", """
            #!csharp
            var waited = TorchSharp.torch.zeros(3);
            int before = Environment.CurrentManagedThreadId;
            await Task.Delay(20);
            Console.WriteLine(before == Environment.CurrentManagedThreadId);
            #!csharp
            Console.WriteLine(before == Environment.CurrentManagedThreadId);
            waited.Dispose();
            """),
        ("exercise", $"""
            #!csharp
            #r "{typeof(Workbook.Lesson).Assembly.Location}"
            using TorchSharp;
            using static TorchSharp.torch;
            using ClipNotebooks.Workbook.Exercises;
            #!csharp
            Tensor Dot(Tensor a, Tensor b) => a.reshape(1, -1).matmul(ones(7, 7));
            #!csharp
            Tensor Cosine(Tensor a, Tensor b) => Dot(a, b) / (a.norm() * b.norm());
            StartHereExercises.CosineSimilarity.Check(Cosine)
            """),
    ];

    private readonly TemporaryFolder _folder = new();
    private Task<LessonResult>? _result;

    public void Dispose() => _folder.Dispose();

    /// <summary>The whole run. Tests of one class run one after another.</summary>
    internal Task<LessonResult> ResultAsync()
    {
        if (_result is not null)
            return _result;
        File.Copy(typeof(Markdig.Markdown).Assembly.Location, Path.Combine(_folder.Path, "Beside.dll"));
        string path = _folder.Write("lesson.dib", string.Join('\n', Parts.Select(part => $"#!markdown\n{part.Name}\n{part.Cells}")));
        return _result = new LessonProcess(TimeSpan.FromSeconds(240), keepGoing: true, threads: 1).RunAsync(path, default);
    }

    /// <summary>The code cells of one part.</summary>
    internal async Task<IReadOnlyList<CellResult>> OfAsync(string part)
    {
        LessonResult result = await ResultAsync();
        int title = result.Notebook!.Cells.Single(cell => !cell.IsCode && cell.Source.Trim() == part).Number;
        int end = result.Notebook.Cells.FirstOrDefault(cell => !cell.IsCode && cell.Number > title)?.Number ?? int.MaxValue;
        return [.. result.Cells.Where(cell => cell.Cell.Number > title && cell.Cell.Number < end)];
    }
}
