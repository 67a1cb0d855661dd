using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>A text that the search looks through: a cell's prose or code, with the heading above it.</summary>
internal sealed record SearchEntry(int Cell, bool Code, string Heading, string Text);

/// <summary>
/// What the rest of a book knows about a lesson. Page is the name of its page, Source the path of its .dib from the book's folder, Ran when
/// it was run (to the minute), Head what it says about itself, Parts its place on the drawing of the architecture. A book keeps these in
/// one script for each language, one lesson to a line. The search reads this script (a page opened from a disk can load a script, nothing
/// else), and so does the code that replaces one page of the book.
/// </summary>
internal sealed partial record BookLesson(
    string Page, string Source, string Language, string Title, int CodeCells, int Failures, double Seconds,
    string Ran, int Exercises, LessonHead? Head, string Parts, IReadOnlyList<SearchEntry> Entries)
{
    private const string Opening = "window.lessons = (window.lessons || []).concat([", Tail = "]);";

    /// <summary>Letters of every script are written as they are; characters that mean something to markup or scripts are escaped.</summary>
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
        RespectRequiredConstructorParameters = true,
    };

    internal Edition Edition => Edition.Named(Language)!;

    internal string FileName => Path.GetFileNameWithoutExtension(Source);

    internal string Address => Uri.EscapeDataString(Page) + ".html";

    internal static BookLesson Of(LessonResult result, string page, string book) => new(
        page, Path.GetRelativePath(book, Path.GetFullPath(result.Path)).Replace('\\', '/'), result.Edition.Language,
        result.Notebook?.Title ?? result.Name,
        result.Cells.Count, result.Failures.Count, Math.Round(result.Seconds, 1),
        DateTimeOffset.Now.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
        result.Notebook?.Cells.Where(cell => !cell.IsCode).Sum(cell => Prose.Of(cell).Headings.Count(heading => heading.IsExercise)) ?? 0,
        LessonHead.Of(result.Notebook),
        string.Join(',', (result.Notebook?.CodeCells ?? []).SelectMany(cell => Map().Matches(cell.Source))
            .Select(map => map.Groups[1].Value)),
        [.. EntriesOf(result.Notebook)]);

    /// <summary>Matches the cell that says where the lesson is on the drawing of the architecture.</summary>
    [GeneratedRegex("new ArchitectureMap\\(\"([a-z, ]*)\"\\)")]
    private static partial Regex Map();

    private static IEnumerable<SearchEntry> EntriesOf(Notebook? notebook)
    {
        string heading = "";
        foreach (NotebookCell cell in notebook?.Cells ?? [])
        {
            Prose? prose = cell.IsCode ? null : Prose.Of(cell);
            heading = prose?.Headings is [var first, ..] ? first.Text : heading;
            yield return new(cell.Number, cell.IsCode, heading, prose?.PlainText ?? cell.Source);
        }
    }

    internal static string FileOf(string language) => $"lessons.{language}.js";

    internal static string Write(IEnumerable<BookLesson> lessons) =>
        $"{Opening}\n{string.Join(",\n", lessons.Select(lesson => JsonSerializer.Serialize(lesson, Json)))}\n{Tail}\n";

    /// <summary>The lessons of a book, in order; null if the folder has none, or those of another version.</summary>
    internal static IReadOnlyList<BookLesson>? Read(string book)
    {
        string[] files = [.. Edition.All.Select(edition => Path.Combine(book, FileOf(edition.Language))).Where(File.Exists)];
        if (files.Length == 0)
            return null;
        try
        {
            return [.. files.SelectMany(File.ReadLines).Where(line => line.StartsWith('{'))
                .Select(line => JsonSerializer.Deserialize<BookLesson>(line.TrimEnd(','), Json)!)];
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
