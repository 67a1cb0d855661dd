using System.Diagnostics;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>Runs the cells of one lesson in this process, as the notebook editors do: same imports, same globals, paths from the
/// lesson's folder. Blank lines before a cell's source make the compiler's lines the file's lines.</summary>
internal sealed partial class LessonHost(Notebook notebook, LessonOutput output)
{
    private ScriptState<object>? _state;

    /// <returns>True when every code cell passed.</returns>
    internal async Task<bool> RunAsync(bool keepGoing)
    {
        LessonOutput.Current = output;
        AppContext.SetData("ClipNotebooks.Display", (Func<object?, Action<object?>>)(value =>
        {
            int id = output.Show(value);
            return next => output.Show(next, id);
        }));
        using ConsoleCapture console = new(output);
        Console.SetOut(console);
        Console.SetError(console);
        Console.SetIn(TextReader.Null);
        Directory.SetCurrentDirectory(Path.GetDirectoryName(Path.GetFullPath(notebook.Path))!);
        bool passed = true;
        foreach (NotebookCell cell in notebook.CodeCells)
        {
            output.Begin(cell.Number);
            Stopwatch clock = Stopwatch.StartNew();
            CellFailure? failure = await RunAsync(cell);
            output.End(clock.Elapsed.TotalSeconds, failure);
            passed &= failure is null;
            if (failure is not null && !keepGoing)
                break;
        }
        return passed;
    }

    /// <summary>
    /// Lets go of the lesson's variables and counts the tensors that are still alive: what a library keeps, in a static field or a scope that was never closed. TorchSharp counts by
    /// thread, so what the collector freed is asked of its own. The TorchSharp is the one that the lesson loaded, found by name.
    /// </summary>
    /// <returns>Null where the lesson did not use TorchSharp.</returns>
    internal long? LiveTensors()
    {
        _state = null;
        LessonOutput.Current = null;
        AppContext.SetData("ClipNotebooks.Display", null);
        Type? statistics = AppDomain.CurrentDomain.GetAssemblies().FirstOrDefault(assembly => assembly.GetName().Name == "TorchSharp")?.GetType("TorchSharp.DisposeScopeManager");
        if (statistics is null)
            return null;
        CollectorThread.Count = () => Count(statistics);
        Collect();
        CollectorThread.Ask();
        Collect();
        return Count(statistics) + CollectorThread.Answer;
    }

    /// <summary>Three rounds: what a finalizer lets go is found by the next.</summary>
    private static void Collect()
    {
        for (int round = 0; round < 3; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private static long Count(Type manager)
    {
        object all = manager.GetProperty("Statistics")!.GetValue(null)!;
        object tensors = all.GetType().GetProperty("TensorStatistics")!.GetValue(all)!;
        return Convert.ToInt64(tensors.GetType().GetProperty("ThreadTotalLiveCount")!.GetValue(tensors), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Its finalizer runs on the collector's thread.</summary>
    private sealed class CollectorThread
    {
        internal static Func<long> Count { get; set; } = () => 0;

        internal static long Answer { get; private set; }

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        internal static void Ask() => _ = new CollectorThread();

        ~CollectorThread() => Answer = Count();
    }

    private async Task<CellFailure?> RunAsync(NotebookCell cell)
    {
        string code = new string('\n', cell.Line - 1) + cell.Source;
        try
        {
            _state = _state is null
                ? await CSharpScript.Create(code, OptionsFor(notebook.Path), typeof(LessonGlobals)).RunAsync(new LessonGlobals(output), _ => true)
                : await _state.ContinueWithAsync(code, OptionsFor(notebook.Path), _ => true);
            if (_state.Exception is { } thrown)
                return new(cell.Number, LineOf(thrown), Describe(thrown));
            if (_state.ReturnValue is { } value)
                output.Show(value);
            return null;
        }
        catch (CompilationErrorException problem)
        {
            Diagnostic[] errors = [.. problem.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error)];
            string text = string.Join('\n', errors.Take(5).Select(d => $"line {Line(d)}: {d.Id} {d.GetMessage()}"));
            return new(cell.Number, errors.Length > 0 ? Line(errors[0]) : cell.Line, "does not compile: " + text + Advice(errors));
        }
        catch (Exception problem)
        {
            return new(cell.Number, LineOf(problem), Describe(problem));
        }
    }

    /// <summary>What to do about the one error that every lesson has before the library is built.</summary>
    internal static string Advice(IEnumerable<Diagnostic> errors) => errors.Any(error => error.Id == "CS0006") ? "\nThe library is not built: dotnet build -c Release" : "";

    private static int Line(Diagnostic d) => d.Location.GetLineSpan().StartLinePosition.Line + 1;

    /// <summary>What a cell sees without a `using`, as in the notebook editors.</summary>
    internal static readonly string[] Imports = ["System", "System.Text", "System.Collections", "System.Collections.Generic", "System.Threading.Tasks", "System.Linq"];

    /// <summary>How the cells of a lesson are compiled.</summary>
    internal static ScriptOptions OptionsFor(string lesson)
    {
        string path = Path.GetFullPath(lesson);
        string folder = Path.GetDirectoryName(path)!;
        return ScriptOptions.Default
            .WithReferences(Platform.Value)
            .WithImports(Imports)
            .WithMetadataResolver(ScriptMetadataResolver.Default.WithBaseDirectory(folder))
            .WithSourceResolver(ScriptSourceResolver.Default.WithBaseDirectory(folder))
            .WithLanguageVersion(LanguageVersion.CSharp14)
            .WithFilePath(path)
            .WithFileEncoding(Encoding.UTF8)
            .WithEmitDebugInformation(true);
    }

    /// <summary>The base library and this assembly (for Display); nothing else of clipbook's own is in a cell's sight.</summary>
    private static readonly Lazy<MetadataReference[]> Platform = new(() =>
    {
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        var trusted = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        return [.. trusted.Where(path => Path.GetDirectoryName(path) == runtime).Append(typeof(LessonGlobals).Assembly.Location)
            .Select(path => MetadataReference.CreateFromFile(path))];
    });

    /// <summary>Type, message, inner causes and the stack, without the frames of this host, the compiler's wrapper and the runtime's.</summary>
    internal static string Describe(Exception problem)
    {
        StringBuilder text = new();
        for (Exception? at = Unwrap(problem); at is not null; at = at.InnerException)
            text.Append(text.Length == 0 ? "" : "\n  caused by ").Append(at.GetType().FullName).Append(": ").Append(at.Message.Trim());
        foreach (string frame in Frames(Unwrap(problem)))
            text.Append("\n  ").Append(frame);
        return text.ToString();
    }

    private static Exception Unwrap(Exception problem) =>
        problem is TargetInvocationException or AggregateException { InnerExceptions.Count: 1 } && problem.InnerException is { } inner ? Unwrap(inner) : problem;

    private static IEnumerable<string> Frames(Exception problem) => (problem.StackTrace ?? "").Split('\n')
        .Select(line => line.Trim())
        .TakeWhile(line => !line.Contains("Microsoft.CodeAnalysis.Scripting", StringComparison.Ordinal))
        .Where(line => line.StartsWith("at ", StringComparison.Ordinal) && !line.StartsWith("at System.Runtime.", StringComparison.Ordinal))
        .Select(line => FileFolder().Replace(SubmissionName().Replace(SubmissionFrame().Replace(line, "at the cell"), "at "), " in "))
        .Take(20);

    private int LineOf(Exception problem)
    {
        string file = Path.GetFileName(notebook.Path);
        Match found = Regex.Match(Unwrap(problem).StackTrace ?? "", Regex.Escape(file) + @":line (\d+)");
        return found.Success ? int.Parse(found.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : 0;
    }

    [GeneratedRegex(@"at Submission#\d+\.<<Initialize>>\S*?\.MoveNext\(\)")]
    private static partial Regex SubmissionFrame();

    [GeneratedRegex(@"at Submission#\d+\.")]
    private static partial Regex SubmissionName();

    [GeneratedRegex(@" in .*[/\\](?=[^/\\]*:line)")]
    private static partial Regex FileFolder();
}
