using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Scripting;
using Microsoft.DotNet.Interactive.Events;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>
/// Turns the kernel's report of a failed cell into a message for people: lines are those of the lesson's file, and stack frames only those
/// of the lesson and the libraries.
/// </summary>
internal static partial class Failures
{
    internal static CellFailure Of(NotebookCell cell, CommandFailed failed) => failed.Exception switch
    {
        { InnerException: CompilationErrorException compilation } => OfCompilation(cell, compilation),
        { } thrown => new(cell.Number, LineOf(thrown), Describe(thrown)),
        null => new(cell.Number, cell.Line, failed.Message),
    };

    private static CellFailure OfCompilation(NotebookCell cell, CompilationErrorException problem)
    {
        Diagnostic[] errors = [.. problem.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error)];
        string text = string.Join('\n', errors.Take(5).Select(d => $"line {Line(d)}: {d.Id} {d.GetMessage(CultureInfo.InvariantCulture)}"));
        return new(cell.Number, errors.Length > 0 ? Line(errors[0]) : cell.Line, "does not compile: " + text + Advice(errors));
    }

    private static int Line(Diagnostic d) => d.Location.GetMappedLineSpan().StartLinePosition.Line + 1;

    /// <summary>Advice for the error that every lesson gives until the library is built.</summary>
    internal static string Advice(IEnumerable<Diagnostic> errors) =>
        errors.Any(error => error.Id == "CS0006") ? "\nThe library is not built: dotnet build -c Release" : "";

    /// <summary>Type, message, inner causes, and the stack without the frames of kernel, compiler and runtime.</summary>
    private static string Describe(Exception problem)
    {
        StringBuilder text = new();
        for (Exception? at = Unwrap(problem); at is not null; at = at.InnerException)
            text.Append(text.Length == 0 ? "" : "\n  caused by ").Append(at.GetType().FullName).Append(": ").Append(at.Message.Trim());
        foreach (string frame in Frames(Unwrap(problem)))
            text.Append("\n  ").Append(frame);
        return text.ToString();
    }

    private static Exception Unwrap(Exception problem) =>
        problem is TargetInvocationException or AggregateException { InnerExceptions.Count: 1 } && problem.InnerException is { } inner
            ? Unwrap(inner) : problem;

    private static IEnumerable<string> Frames(Exception problem) => (problem.StackTrace ?? "").Split('\n')
        .Select(line => line.Trim())
        .TakeWhile(line => !line.Contains("Microsoft.CodeAnalysis.Scripting", StringComparison.Ordinal))
        .Where(line => line.StartsWith("at ", StringComparison.Ordinal) && !line.StartsWith("at System.Runtime.", StringComparison.Ordinal))
        .Select(line => FileFolder().Replace(SubmissionName().Replace(SubmissionFrame().Replace(line, "at the cell"), "at "), " in "))
        .Take(20);

    private static int LineOf(Exception problem)
    {
        Match found = LessonLine().Match(Unwrap(problem).StackTrace ?? "");
        return found.Success ? int.Parse(found.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
    }

    [GeneratedRegex(@"at Submission#\d+\.<<Initialize>>\S*?\.MoveNext\(\)")]
    private static partial Regex SubmissionFrame();

    [GeneratedRegex(@"at Submission#\d+\.")]
    private static partial Regex SubmissionName();

    [GeneratedRegex(@" in .*[/\\](?=[^/\\]*:line)")]
    private static partial Regex FileFolder();

    [GeneratedRegex(@"\.dib:line (\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex LessonLine();
}
