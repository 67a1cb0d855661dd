namespace ClipNotebooks.Cli.Notebooks;

/// <summary>The language a lesson is written in, and what its page says around it. English lessons lie in notebooks, the others in a folder named by the language's code.</summary>
internal sealed record Edition(string Language, string Name)
{
    internal static readonly Edition English = new("en", "English");

    internal static readonly Edition Korean = new("ko", "한국어")
    {
        Book = "CLIP 수업",
        About = "실행한 수업과 각 셀의 출력입니다.",
        Lesson = "수업",
        CodeCells = "코드 셀",
        Result = "결과",
        Seconds = "초",
        Passed = "통과",
        Failures = count => $"실패 {count}건",
        Contents = "차례",
        AllLessons = "모든 수업",
        NotRun = "이 셀은 실행되지 않았습니다.",
        Unreadable = "이 수업은 읽을 수 없었습니다.",
        Cell = "셀",
        Skip = "본문으로 건너뛰기",
        Search = "수업 검색",
        NothingFound = "찾은 것이 없습니다.",
        Found = "결과 {0}개",
        SearchFailed = "검색할 내용을 이 페이지 옆에서 불러오지 못했습니다.",
        Cut = length => $"여기서 잘렸습니다: 출력은 {length}자입니다.",
        MarkupLeftOut = length => $"이 출력의 마크업은 {length}자라서 뺐습니다.",
    };

    internal static readonly IReadOnlyList<Edition> All = [English, Korean];

    internal string Book { get; private init; } = "CLIP lessons";

    internal string About { get; private init; } = "Executed lessons, with what their cells showed.";

    internal string Lesson { get; private init; } = "lesson";

    internal string CodeCells { get; private init; } = "code cells";

    internal string Result { get; private init; } = "result";

    internal string Seconds { get; private init; } = "seconds";

    internal string Passed { get; private init; } = "passed";

    internal Func<int, string> Failures { get; private init; } = count => count == 1 ? "1 failure" : $"{count} failures";

    internal string Contents { get; private init; } = "Contents";

    internal string AllLessons { get; private init; } = "All lessons";

    internal string NotRun { get; private init; } = "This cell was not run.";

    internal string Unreadable { get; private init; } = "This lesson could not be read.";

    internal string Cell { get; private init; } = "Cell";

    /// <summary>The link past the search and the contents.</summary>
    internal string Skip { get; private init; } = "Skip to the content";

    internal string Search { get; private init; } = "Search the lessons";

    internal string NothingFound { get; private init; } = "Nothing found.";

    /// <summary>With {0} for the count.</summary>
    internal string Found { get; private init; } = "Found: {0}";

    internal string SearchFailed { get; private init; } = "The lessons' words could not be loaded from beside this page.";

    /// <summary>Said of a text of this many characters.</summary>
    internal Func<int, string> Cut { get; private init; } = length => $"Cut here: the output has {length} characters.";

    /// <summary>Said of markup of this many characters.</summary>
    internal Func<int, string> MarkupLeftOut { get; private init; } = length => $"The markup of this output has {length} characters and is left out.";

    internal bool IsEnglish => this == English;

    /// <summary>The codes of all languages, for messages.</summary>
    internal static string Languages => string.Join(", ", All.Select(edition => edition.Language));

    /// <summary>By the language's code; null for none.</summary>
    /// <exception cref="UserError">No lesson is written in it.</exception>
    internal static Edition? Named(string? language) => language is null ? null : All.FirstOrDefault(edition => edition.Language == language)
        ?? throw new UserError($"--language {language}: the lessons are written in {Languages}.", ExitCode.Usage);

    /// <summary>By the folder that the file lies in.</summary>
    internal static Edition Of(string path) =>
        All.FirstOrDefault(edition => !edition.IsEnglish && edition.Language == Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path)))) ?? English;

    /// <summary>Where this edition's lessons lie.</summary>
    internal string Folder(string notebooks) => IsEnglish ? notebooks : Path.Combine(notebooks, Language);
}
