using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>
/// The language of a lesson, and the words of its page around the lesson's own text. English lessons are in the folder notebooks, others in
/// a folder within it that is named by the language's code.
/// </summary>
internal sealed record Edition(string Language, string Name)
{
    internal static readonly Edition English = new("en", "English");

    internal static readonly Edition Korean = new("ko", "한국어")
    {
        Book = "CLIP 수업",
        About = "이미지와 문장을 잇는 모델 CLIP을 C# 코드로 한 부분씩 실행하며 배웁니다. 모든 출력은 아래에 적힌 실행에서 나왔습니다.",
        Finds = "이모지와 그 이름, 키워드만으로 학습한 작은 모델이 낱말마다 1,443개에서 찾은 것입니다.",
        FindsMore = "직접 찾아보기",
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
        Line = "행",
        Terms = "기호와 용어",
        Symbols = "기호",
        SymbolsAbout = "모양의 한 글자는 모든 수업에서 같은 것을 뜻합니다. 예를 들어 (B, N, D)는 이미지마다 토큰이 N개이고 토큰마다 수가 D개인 배치입니다.",
        Words = "용어",
        WordsAbout = "이 책의 한국어판이 쓰는 말과 그 영어입니다.",
        Minutes = count => $"{count}분",
        Needs = "필요한 것:",
        Exercises = count => $"연습 {count}개",
        Ran = "실행 기록",
        RanAt = "실행한 때",
        Read = "읽음",
        ReadThis = "이 수업을 읽었습니다",
        Progress = "수업 {1}개 가운데 {0}개를 읽었습니다.",
        NotKept = "이 브라우저는 이 페이지들의 기록을 남기지 않습니다. 표시는 페이지를 닫으면 사라집니다.",
        Copy = "복사",
        Copied = "복사했습니다.",
        NotCopied = "복사하지 못했습니다. 코드를 선택해 복사하세요.",
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

    internal string About { get; private init; } =
        "CLIP, the model that joins images and sentences, part by part in running C#. Every output is of the run that is noted below.";

    internal string Finds { get; private init; } =
        "What a small model, trained on emoji with their names and keywords alone, finds for each word among 1,443 of them.";

    internal string FindsMore { get; private init; } = "Ask it yourself";

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

    /// <summary>The word before the line number of a failure.</summary>
    internal string Line { get; private init; } = "line";

    /// <summary>The title of the glossary page.</summary>
    internal string Terms { get; private init; } = "Symbols and terms";

    internal string Symbols { get; private init; } = "Symbols";

    internal string SymbolsAbout { get; private init; } =
        "A letter of a shape means the same in every lesson: (B, N, D) is a batch of B images, each N tokens of D numbers.";

    internal string Words { get; private init; } = "Terms";

    internal string WordsAbout { get; private init; } = "The lessons’ terms, with the Korean that the Korean edition has for them.";

    internal Func<int, string> Minutes { get; private init; } = count => $"{count} minutes";

    internal string Needs { get; private init; } = "Needs:";

    internal Func<int, string> Exercises { get; private init; } = count => count == 1 ? "1 exercise" : $"{count} exercises";

    internal string Ran { get; private init; } = "What was run";

    internal string RanAt { get; private init; } = "run at";

    internal string Read { get; private init; } = "read";

    internal string ReadThis { get; private init; } = "I have read this lesson";

    /// <summary>A format: {0} is the number of lessons read, {1} the number of all lessons.</summary>
    internal string Progress { get; private init; } = "{0} of {1} lessons read.";

    internal string NotKept { get; private init; } = "This browser keeps nothing for these pages: what is marked here ends with the page.";

    internal string Copy { get; private init; } = "Copy";

    internal string Copied { get; private init; } = "Copied.";

    internal string NotCopied { get; private init; } = "It could not be copied: select the code and copy it.";

    /// <summary>The text of the link that skips the search and the contents.</summary>
    internal string Skip { get; private init; } = "Skip to the content";

    internal string Search { get; private init; } = "Search the lessons";

    internal string NothingFound { get; private init; } = "Nothing found.";

    /// <summary>A format: {0} is the number of results.</summary>
    internal string Found { get; private init; } = "Found: {0}";

    internal string SearchFailed { get; private init; } = "The lessons' words could not be loaded from beside this page.";

    /// <summary>The note below a text that was cut; takes the number of characters of the whole text.</summary>
    internal Func<int, string> Cut { get; private init; } = length => $"Cut here: the output has {length} characters.";

    /// <summary>The note for markup that was left out; takes its number of characters.</summary>
    internal Func<int, string> MarkupLeftOut { get; private init; } = length =>
        $"The markup of this output has {length} characters and is left out.";

    internal bool IsEnglish => this == English;

    /// <summary>A page's name in this edition.</summary>
    internal string PageOf(string name) => IsEnglish ? name : $"{name}.{Language}";

    /// <summary>The codes of all languages, for messages.</summary>
    internal static string Languages => string.Join(", ", All.Select(edition => edition.Language));

    /// <summary>The edition with this language code; null for null.</summary>
    /// <exception cref="UserError">No lesson is written in it.</exception>
    internal static Edition? Named(string? language) => language is null ? null
        : All.FirstOrDefault(edition => edition.Language == language)
        ?? throw new UserError($"--language {language}: the lessons are written in {Languages}.", ExitCode.Usage);

    /// <summary>The edition of a lesson, by the folder of its file.</summary>
    internal static Edition Of(string path) =>
        All.FirstOrDefault(edition => !edition.IsEnglish
            && edition.Language == Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path)))) ?? English;

    /// <summary>Where this edition's lessons lie.</summary>
    internal string Folder(string notebooks) => IsEnglish ? notebooks : Path.Combine(notebooks, Language);
}
