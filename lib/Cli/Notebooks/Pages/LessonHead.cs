using System.Globalization;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>
/// What a lesson says about itself in the list under its title. Question, Needs and Afterwards are markup; Afterwards includes its first
/// words ("Afterwards you can"). What the lesson does not say is empty, or 0 minutes.
/// </summary>
internal sealed partial record LessonHead(string Question, string Needs, int Minutes, string Afterwards)
{
    /// <summary>Reads the list; null if the first cell has none.</summary>
    internal static LessonHead? Of(Notebook? notebook)
    {
        if (notebook?.Cells is not [{ IsCode: false } first, ..])
            return null;
        var items = Item().Matches(first.Source).DistinctBy(item => Kind(item)).ToDictionary(Kind, item => item);
        string Text(string kind, bool whole = false) => items.TryGetValue(kind, out Match? item)
            ? Inline(whole ? item.Groups["all"].Value : item.Groups["rest"].Value) : "";
        int minutes = items.TryGetValue("minutes", out Match? time) && Digits().Match(time.Groups["rest"].Value) is { Success: true } number
            ? int.Parse(number.Value, CultureInfo.InvariantCulture) : 0;
        LessonHead head = new(Text("question"), Text("needs"), minutes, Text("afterwards", whole: true));
        return head == new LessonHead("", "", 0, "") ? null : head;
    }

    private static string Kind(Match item) => item.Groups["label"].Value.TrimEnd('.') switch
    {
        "Question" or "물음" => "question",
        "Needs" or "필요한 것" => "needs",
        "Minutes" or "시간" => "minutes",
        _ => "afterwards",
    };

    /// <summary>A list item as HTML, without the paragraph around it.</summary>
    private static string Inline(string markdown) =>
        Paragraph().Replace(Prose.Of(new NotebookCell(0, "markdown", markdown.Trim(), 0)).Html, "$1").Trim();

    private const string Labels = @"Question\.|Needs\.|Minutes\.|Afterwards you can|물음\.|필요한 것\.|시간\.|마치면";

    [GeneratedRegex(@"^- (?<all>\*\*(?<label>" + Labels + @")\*\*(?<rest>.*(?:\n(?!- |\s*$).*)*))", RegexOptions.Multiline)]
    private static partial Regex Item();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();

    [GeneratedRegex("^<p>(.*)</p>\\s*$", RegexOptions.Singleline)]
    private static partial Regex Paragraph();
}
