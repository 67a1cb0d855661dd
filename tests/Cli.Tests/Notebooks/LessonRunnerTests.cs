using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Tests.Notebooks;

public sealed class LessonRunnerTests : IDisposable
{
    private readonly TemporaryFolder _root = new();

    public LessonRunnerTests()
    {
        foreach (string file in new[] { "01-b.dib", "00-a.dib", "ko/00-a.dib", "ko/01-b.dib", "drafts/02-c.dib" }) _root.Write(
            "notebooks/" + file, "#!csharp\n1");
    }

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData("", "", null, "00-a 01-b ko/00-a ko/01-b")]
    [InlineData("", "", "ko", "ko/00-a ko/01-b")]
    [InlineData("", "1", null, "01-b ko/01-b")]
    [InlineData("", "1", "en", "01-b")]
    [InlineData("01", "", null, "01-b")]
    [InlineData("1 ko/1", "", null, "01-b ko/01-b")]
    [InlineData("ko/00-a 00-a", "", null, "ko/00-a 00-a")]
    public void Lessons_are_found_by_number_name_and_language(string names, string numbers, string? language, string expected) =>
        Assert.Equal(expected, string.Join(' ', Find(names, numbers, language).Select(LessonRunner.NameOf)));

    [Theory]
    [InlineData("7", "")]
    [InlineData("fr/01", "")]
    [InlineData("", "7")]
    public void A_lesson_that_is_not_there_is_said_with_those_that_are(string names, string numbers) =>
        Assert.Contains("00-a, 01-b, ko/00-a, ko/01-b", Assert.Throws<UserError>(() => Find(names, numbers, null)).Message);

    private IReadOnlyList<string> Find(string names, string numbers, string? language) =>
        LessonRunner.Find(names.Split(' ', StringSplitOptions.RemoveEmptyEntries),
        [.. numbers.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)],
            Edition.All.FirstOrDefault(edition => edition.Language == language), _root.Path);
}
