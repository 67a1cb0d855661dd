using System.Text.Encodings.Web;
using System.Text.Json;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Search.Postgres;

namespace ClipNotebooks.Cli.Commands;

/// <summary>The output that the image commands have in common.</summary>
internal static class Output
{
    private const int BarWidth = 30;

    private static readonly JsonSerializerOptions Line =
        new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Page = new(Line) { WriteIndented = true };

    /// <summary>An object as JSON on a single line, for a stream of objects.</summary>
    internal static string JsonLine(object value) => JsonSerializer.Serialize(value, Line);

    /// <summary>An object as indented JSON.</summary>
    internal static string Json(object value) => JsonSerializer.Serialize(value, Page);

    /// <summary>A share as a bar of blocks, in eighths of a column.</summary>
    internal static string Bar(double share)
    {
        int eighths = (int)Math.Round(8 * BarWidth * Math.Clamp(share, 0, 1));
        return new string('█', eighths / 8) + (eighths % 8 == 0 ? "" : ((char)('█' + 8 - eighths % 8)).ToString());
    }

    /// <summary>How the next command names the index. A connection string is not repeated, since it may hold a password.</summary>
    internal static string Again(string place) => PgVectorImageStore.IsConnectionString(place) ? "with the same --index"
        : $"--index {Terminal.Word(place)}";

    /// <summary>Prints what could not be read.</summary>
    /// <returns>The exit code.</returns>
    internal static int Unreadable(IEnumerable<string> problems)
    {
        int count = 0;
        foreach (string problem in problems)
        {
            Terminal.WriteError($"clipbook: {problem}");
            count++;
        }
        return count == 0 ? ExitCode.Success : ExitCode.Failed;
    }
}
