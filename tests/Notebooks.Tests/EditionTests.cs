using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Notebooks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ClipNotebooks.Notebooks.Tests;

/// <summary>The lessons in another language are the English ones: the same cells, in whose code only strings and comments differ.</summary>
public sealed partial class EditionTests
{
    public static TheoryData<string> Translated => [.. Lessons.Paths.Where(path => !Edition.Of(path).IsEnglish).Select(Lessons.NameOf)];

    [Theory(SkipTestWithoutData = true), MemberData(nameof(Translated))]
    public void The_code_is_that_of_the_English_lesson_cell_by_cell(string name)
    {
        var (english, translated) = (Cells(Path.GetFileName(name)), Cells(name));
        for (int i = 0; i < Math.Min(english.Length, translated.Length); i++)
        {
            Assert.True(english[i].Language == translated[i].Language, $"{name}({translated[i].Line}): cell {i + 1} is " +
                $"{translated[i].Language}; in English it is {english[i].Language}");
            if (english[i].IsCode)
                Same(english[i].Source, translated[i].Source);
            else
            {
                Assert.Equal(Blocks(english[i]).Length, Blocks(translated[i]).Length);
                foreach (var (ours, theirs) in Blocks(english[i]).Zip(Blocks(translated[i]))) Same(ours, theirs);
                string[] foreign = [.. Figures(translated[i]).Except(Figures(english[i]))];
                Assert.True(foreign.Length == 0, $"{name}({translated[i].Line}): cell {i + 1} states {string.Join(", ", foreign)}, which " +
                    $"the English cell does not");
            }
        }
        Assert.Equal(english.Length, translated.Length);

        void Same(string ours, string theirs) => Assert.Equal(string.Join('\n', Tokens(ours)), string.Join('\n', Tokens(theirs)));
    }

    [Theory]
    [InlineData("f(1); // one", "f(1); // 하나")]
    [InlineData("View(\"a row\", x)", "View(\"행\", x)")]
    [InlineData("$\"{a} of {b:F2}\"", "$\"{b:F2}개 중 {a}개\"")]
    [InlineData("$\"{(a ? \"yes\" : \"no\"),-8} {b}\"", "$\"{(a ? \"예\" : \"아니요\"),-4} {b}\"")]
    [InlineData("#r \"../lib/x.dll\"\nvar x = 1;", "#r \"../../lib/x.dll\"\nvar x = 1;")]
    public void What_strings_and_comments_say_and_in_which_order_values_stand_in_a_sentence_may_differ(string ours, string theirs) =>
        Assert.Equal(Tokens(ours), Tokens(theirs));

    [Theory]
    [InlineData("f(1)", "f(2)")]
    [InlineData("View(\"a\", x)", "View(x, \"a\")")]
    [InlineData("$\"{a} of {b:F2}\"", "$\"{a} of {b:F3}\"")]
    [InlineData("$\"{a} of {b}\"", "$\"{a}\"")]
    [InlineData("f(\"a\")", "f($\"{a}\")")]
    public void Anything_else_may_not(string ours, string theirs) => Assert.NotEqual(Tokens(ours), Tokens(theirs));

    [Fact]
    public void Every_lesson_is_there_in_every_language() =>
        Assert.All(Edition.All, edition => Assert.Equal(Files(Edition.English), Files(edition)));

    private static string[] Files(Edition edition) =>
        [.. Lessons.Paths.Where(path => Edition.Of(path) == edition).Select(path => Path.GetFileName(path))];

    private static NotebookCell[] Cells(string name) => [.. Notebook.Load(Path.Combine(Lessons.Folder, name)).Cells];

    /// <summary>
    /// The figures of a cell's prose that are no small counts: with a decimal point, a percentage, or of two digits and more.
    /// </summary>
    private static IEnumerable<string> Figures(NotebookCell cell) => Figure().Matches(cell.Source).Select(figure => figure.Value);

    [GeneratedRegex(@"\d[\d,]*\.\d+|\d{2,}")]
    private static partial Regex Figure();

    /// <summary>The code inside prose, such as a folded solution.</summary>
    private static string[] Blocks(NotebookCell cell) =>
        [.. cell.Source.Split("```").Where((_, i) => i % 2 == 1).Select(block => block.Split('\n', 2)[^1])];

    private static string[] Tokens(string code) => [.. Tokens(CSharpSyntaxTree.ParseText(code, Script).GetRoot())];

    private static readonly CSharpParseOptions Script = new(LanguageVersion.Preview, kind: SourceCodeKind.Script);

    /// <summary>The tokens of code without the words of its strings; of the values in a string the order is left out.</summary>
    private static IEnumerable<string> Tokens(SyntaxNode node) => node.ChildNodesAndTokens().SelectMany(child => child.AsNode() switch
    {
        InterpolatedStringExpressionSyntax text =>
            text.Contents.OfType<InterpolationSyntax>().Select(value => string.Join(' ', Tokens(value))).Order().Prepend("$"),
        InterpolationAlignmentClauseSyntax => [],
        { } inner => Tokens(inner),
        null => IsText(child.AsToken()) ? ["\"\""] : [child.AsToken().Text],
    });

    private static bool IsText(SyntaxToken token) => token.Kind()
        is SyntaxKind.StringLiteralToken or SyntaxKind.SingleLineRawStringLiteralToken or SyntaxKind.MultiLineRawStringLiteralToken;
}
