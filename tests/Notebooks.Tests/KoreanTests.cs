using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Notebooks.Tests;

/// <summary>
/// What the libraries say on a Korean page is Korean: titles, heads, axes, legends, descriptions for a screen reader. English is three
/// words in a row of Latin letters that neither stand in the lesson's own cells nor are all words of captions, which the model reads in
/// English. A cell that prints what an exception says prints it in the language of all .NET's exceptions.
/// </summary>
public sealed partial class KoreanTests(LessonRun run)
{
    /// <summary>The words of which captions are made.</summary>
    private static readonly HashSet<string> Captions = [.. Workbook.Lesson.Samples(46).SelectMany(sample => sample.Captions)
        .Concat(Enumerable.Range(0, 2000).SelectMany(i => SyntheticScenes.Create(SceneWorld.HeldOut, i).Captions))
        .SelectMany(caption => Word().Matches(caption)).Select(word => word.Value.ToLowerInvariant())];

    public static TheoryData<string> Korean => [.. Lessons.Paths.Where(path => Edition.Of(path) == Edition.Korean).Select(Lessons.NameOf)];

    [Theory(SkipTestWithoutData = true), MemberData(nameof(Korean))]
    public void What_the_libraries_show_on_a_Korean_page_is_Korean(string name)
    {
        LessonResult lesson = run.Of(name);
        string cells = string.Join('\n', lesson.Notebook!.CodeCells.Select(cell => cell.Source));
        string[] english = [.. from cell in lesson.Cells
                               where !cell.Cell.Source.Contains(".Message", StringComparison.Ordinal)
                               from output in cell.Outputs
                               from text in output.Html is { } html ? Shown(html) : output.Text.Split('\n')
                               from sentence in Sentence().Matches(text)
                               where !cells.Contains(sentence.Value, StringComparison.OrdinalIgnoreCase)
                               where Word().Matches(sentence.Value).Any(word => !IsOfCaptions(word.Value))
                               select $"cell {cell.Cell.Number}: {sentence.Value}"];
        Assert.True(english.Length == 0, $"{name}\n{string.Join('\n', english.Distinct())}");
    }

    /// <summary>Also where a label of a matrix in text has room for the beginning alone.</summary>
    private static bool IsOfCaptions(string word) => Captions.Any(of => of.StartsWith(word, StringComparison.OrdinalIgnoreCase));

    /// <summary>The texts of markup: those between tags, those that are read aloud or shown under the pointer, those of plots.</summary>
    private static IEnumerable<string> Shown(string html)
    {
        foreach (Match plot in Plot().Matches(html))
            foreach (string text in Strings(JsonDocument.Parse(WebUtility.HtmlDecode(plot.Groups[1].Value)).RootElement))
                yield return Tag().Replace(text, " ");
        string visible = Unseen().Replace(html, " ");
        foreach (Match attribute in Said().Matches(visible))
            yield return WebUtility.HtmlDecode(attribute.Groups[1].Value);
        foreach (string text in Tag().Split(visible))
            yield return WebUtility.HtmlDecode(text);
    }

    private static IEnumerable<string> Strings(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().Where(part => part.Name is not ("source" or "hovertemplate" or "family"))
            .SelectMany(part => Strings(part.Value)),
        JsonValueKind.Array => json.EnumerateArray().SelectMany(Strings),
        JsonValueKind.String => [json.GetString()!],
        _ => [],
    };

    [GeneratedRegex("[A-Za-z]+")]
    private static partial Regex Word();

    [GeneratedRegex("[A-Za-z]+(?: [A-Za-z]+){2,}")]
    private static partial Regex Sentence();

    [GeneratedRegex("data-plot=\"([^\"]*)\"")]
    private static partial Regex Plot();

    [GeneratedRegex(@"<(script|style|code)\b.*?</\1>|data-plot=""[^""]*""", RegexOptions.Singleline)]
    private static partial Regex Unseen();

    [GeneratedRegex("\\b(?:alt|title|aria-label|placeholder)=\"([^\"]*)\"")]
    private static partial Regex Said();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();
}
