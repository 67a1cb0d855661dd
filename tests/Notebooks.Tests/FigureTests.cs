using System.Globalization;
using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Notebooks;

namespace ClipNotebooks.Notebooks.Tests;

/// <summary>
/// What the prose states of our own runs is what the cells of its section print; any other figure stands in a sentence that says where it
/// is from, or beside one.
/// </summary>
public sealed partial class FigureTests(LessonRun run)
{
    /// <summary>The English lessons; EditionTests holds the figures of the others to theirs.</summary>
    public static TheoryData<string> English => [.. Lessons.Paths.Where(path => Edition.Of(path).IsEnglish).Select(Lessons.NameOf)];

    [Theory(SkipTestWithoutData = true), MemberData(nameof(English))]
    public void Every_figure_in_the_prose_is_computed_or_cited(string name)
    {
        string[] unfounded = [.. Unfounded(run.Results[name])];
        Assert.True(unfounded.Length == 0, $"{name}: no cell of the section prints these, and no sentence beside them " +
            $"cites anything:\n{string.Join('\n', unfounded)}");
    }

    [Theory]
    [InlineData("a loss of 0.83, as the cell says", "loss 0.8284")]
    [InlineData("right in 98 % of them", "97.96 %")]
    [InlineData("7 of 8 are right", "right: 7 of 8")]
    [InlineData("3 times as steep", "ratio 3.0")]
    [InlineData("at −0.5 it turns", "-0.499")]
    public void A_figure_is_found_at_the_precision_that_the_prose_gives(string prose, string output) =>
        Assert.Empty(Missing(prose, [output]));

    [Theory]
    [InlineData("a loss of 0.83", "loss 0.835")]
    [InlineData("right in 98 %", "0.98")]
    [InlineData("right in 98 %", "97.4 %")]
    [InlineData("7 of 8 are right", "right: 8 of 8")]
    [InlineData("7 of 8 are right", "right: 17 of 80")]
    [InlineData("0.834 at the end", "0.83")]
    public void A_figure_that_nothing_prints_is_missed(string prose, string output) => Assert.Single(Missing(prose, [output]));

    [Theory]
    [InlineData("It reaches 0.83 (paper, section 2.3).")]
    [InlineData("The paper's model reaches 0.83. Ours is smaller.")]
    [InlineData("On Flickr30k they are not: OpenCLIP's table of results has 0.83.")]
    [InlineData("The authors tried it (section 7.1 of the paper). Of all faces 0.83 were named.")]
    [InlineData("A log says \"loss 0.83\". What is that? Return the lead. Put the document's 0.83 in.")]
    [InlineData("One of 0.83 (abstract).")]
    public void A_figure_that_its_sentence_or_the_one_beside_it_cites_needs_no_cell(string prose) =>
        Assert.Empty(Unfounded(prose, []));

    [Theory]
    [InlineData("A red apple on a blue table: 0.83.")]
    [InlineData("The table above says 0.83.")]
    [InlineData("As this section shows, 0.83 is enough.")]
    [InlineData("It figures: 0.83 in the documents of that section.")]
    [InlineData("It can be attacked with paper: 0.83.")]
    [InlineData("We found 0.83. One more. That is all (paper, section 2.3).")]
    [InlineData("In the paper it was so (figure 6). Here it is not. We have 0.83.")]
    public void A_word_that_only_sounds_like_a_citation_and_one_further_off_excuse_no_figure(string prose) =>
        Assert.Single(Unfounded(prose, []));

    private static IEnumerable<string> Unfounded(LessonResult lesson)
    {
        var printed = lesson.Cells.ToDictionary(cell => cell.Cell.Number, cell =>
            string.Join('\n', cell.Outputs.Select(output => output.Text)));
        List<(string Title, List<(string Text, int Line)> Prose, List<string> Outputs)> sections = [("", [], [])];
        foreach (NotebookCell cell in lesson.Notebook!.Cells)
        {
            if (cell.IsCode)
            {
                sections[^1].Outputs.Add(printed[cell.Number]);
                continue;
            }
            foreach (string part in SectionStart().Split(cell.Source))
            {
                if (part.StartsWith("## ", StringComparison.Ordinal)) sections.Add((part.Split('\n')[0], [], []));
                sections[^1].Prose.Add((part, cell.Line));
            }
        }
        return from section in sections
               where !ReferencesTitle().IsMatch(section.Title)
               let outputs = section.Outputs.Count > 0 ? section.Outputs : [.. printed.Values]
               from prose in section.Prose
               from paragraph in Set().Replace(prose.Text, " ").Split("\n\n")
               from figure in Unfounded(paragraph, outputs)
               select $"line {prose.Line} and after, \"{section.Title.TrimStart('#', ' ')}\": {figure}";
    }

    /// <summary>
    /// The figures of a paragraph that are not among the outputs, where neither their sentence nor the one before or after it cites
    /// anything, and no sentence that does states the same figure.
    /// </summary>
    private static IEnumerable<string> Unfounded(string paragraph, IReadOnlyCollection<string> outputs)
    {
        string[] sentences = SentenceEnd().Split(paragraph);
        bool[] cites = [.. sentences.Select(sentence => Citation().IsMatch(sentence))];
        var stated = sentences.Where((_, i) => cites[i]).SelectMany(sentence => Missing(sentence, [])).ToHashSet();
        return sentences.Where((_, i) => !cites[i] && !cites.ElementAtOrDefault(i - 1) && !cites.ElementAtOrDefault(i + 1))
            .SelectMany(sentence => Missing(sentence, outputs)).Where(figure => !stated.Contains(figure));
    }

    /// <summary>The figures of a text that are not among the outputs.</summary>
    private static IEnumerable<string> Missing(string text, IReadOnlyCollection<string> outputs)
    {
        string all = string.Join('\n', outputs);
        foreach (Match share in Share().Matches(text))
        {
            if (!Share().Matches(all).Any(found => found.Value == share.Value)) yield return share.Value;
        }
        foreach (Match figure in Figure().Matches(Share().Replace(text, " ")))
        {
            string stated = figure.Groups["number"].Value;
            int decimals = stated.Contains('.', StringComparison.Ordinal)
                ? stated.Length - stated.IndexOf('.', StringComparison.Ordinal) - 1 : 0;
            bool percent = figure.Groups["unit"].Value is "%" or "percent";
            if (!Number().Matches(all).Any(found => Same(found, Value(stated), decimals, percent))) yield return figure.Value.Trim();
        }
    }

    private static bool Same(Match found, double stated, int decimals, bool percent)
    {
        string number = found.Groups["number"].Value;
        int given = number.Contains('.', StringComparison.Ordinal) ? number.Length - number.IndexOf('.', StringComparison.Ordinal) - 1 : 0;
        return given >= decimals && found.Groups["unit"].Success == percent
            && Math.Abs(Value(number) - stated) <= (0.5 * Math.Pow(10, -decimals)) - (given > decimals ? 1e-12
            : 0.4 * Math.Pow(10, -decimals));
    }

    private static double Value(string number) =>
        double.Parse(number.Replace(",", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);

    [GeneratedRegex("^(?=## )", RegexOptions.Multiline)]
    private static partial Regex SectionStart();

    [GeneratedRegex("References")]
    private static partial Regex ReferencesTitle();

    /// <summary>What is no prose: folded solutions, code, formulas.</summary>
    [GeneratedRegex(@"<details>.*?</details>|```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$", RegexOptions.Singleline)]
    private static partial Regex Set();

    /// <summary>
    /// A place in a text, or whose text it is. The bare words are no citation: a table may be of wood, and a section this one.
    /// </summary>
    [GeneratedRegex(@"\b(?:sections?|tables?|figures?) \d|\bappendix [A-Z]\b|\b(?:the|their) (?:paper|document)\b|" +
        @"(?:'s|\bits) (?:published )?(?:table|section)\b|\bthe same (?:table|section)\b|\(abstract\b|\barXiv\b", RegexOptions.IgnoreCase)]
    private static partial Regex Citation();

    [GeneratedRegex(@"(?<=[.?!][""”)*]*)\s+(?=[A-Z""“*\[>(-])")]
    private static partial Regex SentenceEnd();

    [GeneratedRegex(@"\b\d+ of \d+\b")]
    private static partial Regex Share();

    [GeneratedRegex(@"(?<![\d.])(?<number>\d[\d,]*\.\d+|\d+(?=\s*(?:%|percent\b|×(?!\s*\d)|times\b)))\s*(?<unit>%|percent\b)?")]
    private static partial Regex Figure();

    [GeneratedRegex(@"(?<![\d.])(?<number>\d[\d,]*(?:\.\d+)?)(?:\s*(?<unit>%))?")]
    private static partial Regex Number();
}
