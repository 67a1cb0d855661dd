using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Notebooks;

namespace ClipNotebooks.Notebooks.Tests;

/// <summary>The lessons in another language are the English ones in other words: the same cells, the same code.</summary>
public sealed partial class EditionTests
{
    public static TheoryData<string> Translated => [.. Lessons.Paths.Where(path => !Edition.Of(path).IsEnglish).Select(Lessons.NameOf)];

    [Theory(SkipTestWithoutData = true), MemberData(nameof(Translated))]
    public void The_code_is_that_of_the_English_lesson_cell_by_cell(string name)
    {
        var (english, translated) = (Cells(Path.GetFileName(name)), Cells(name));
        for (int i = 0; i < Math.Min(english.Length, translated.Length); i++)
        {
            Assert.True(english[i].Language == translated[i].Language, $"{name}({translated[i].Line}): cell {i + 1} is {translated[i].Language}; in English it is {english[i].Language}");
            if (english[i].IsCode)
                Assert.Equal(english[i].Source, translated[i].Source.Replace("#r \"../../lib", "#r \"../lib", StringComparison.Ordinal));
            else
            {
                Assert.Equal(Blocks(english[i]), Blocks(translated[i]));
                string[] foreign = [.. Figures(translated[i]).Except(Figures(english[i]))];
                Assert.True(foreign.Length == 0, $"{name}({translated[i].Line}): cell {i + 1} states {string.Join(", ", foreign)}, which the English cell does not");
            }
        }
        Assert.Equal(english.Length, translated.Length);
    }

    [Fact]
    public void Every_lesson_is_there_in_every_language() => Assert.All(Edition.All, edition => Assert.Equal(Files(Edition.English), Files(edition)));

    private static string[] Files(Edition edition) => [.. Lessons.Paths.Where(path => Edition.Of(path) == edition).Select(path => Path.GetFileName(path))];

    private static NotebookCell[] Cells(string name) => [.. Notebook.Load(Path.Combine(Lessons.Folder, name)).Cells];

    /// <summary>The figures of a cell's prose that are no small counts: with a decimal point, a percentage, or of two digits and more.</summary>
    private static IEnumerable<string> Figures(NotebookCell cell) => Figure().Matches(cell.Source).Select(figure => figure.Value);

    [GeneratedRegex(@"\d[\d,]*\.\d+|\d{2,}")]
    private static partial Regex Figure();

    /// <summary>The code inside prose, such as a folded solution.</summary>
    private static string Blocks(NotebookCell cell) => string.Join("\n", cell.Source.Split("```").Where((_, i) => i % 2 == 1));
}
