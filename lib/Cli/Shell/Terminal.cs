using System.Text;
using System.Text.RegularExpressions;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ClipNotebooks.Cli.Shell;

/// <summary>
/// All that the commands write. File names, labels and captions come from elsewhere, and a terminal obeys what control characters in
/// them say (its title, its colours, what the keys do, text over other text): they are shown by signs that stand for them, here and
/// nowhere else.
/// </summary>
internal static partial class Terminal
{
    /// <summary>An argument as a shell takes it in a line that is printed to be copied: in quotes where it needs them.</summary>
    internal static string Word(string argument) =>
        Plain().IsMatch(argument) ? argument : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>
    /// A text on one line, with a sign in the place of each control character: ␛ for ESC, ␊ for a line end, � for those without a sign of
    /// their own, for what turns the direction of writing, and for half a character.
    /// </summary>
    internal static string Shown(string text)
    {
        var shown = new StringBuilder(text.Length);
        // An unpaired surrogate comes as U+FFFD.
        foreach (var rune in text.EnumerateRunes()) shown.Append(IsControl(rune.Value) ? Sign(rune.Value) : rune);
        return shown.ToString();
    }

    /// <summary>A text of several lines; line ends and tabs stay.</summary>
    internal static string ShownLines(string text) =>
        string.Join('\n', text.ReplaceLineEndings("\n").Split('\n').Select(line => string.Join('\t', line.Split('\t').Select(Shown))));

    /// <summary>Writes lines to the output; a line end inside of one is shown by its sign.</summary>
    internal static void WriteLine(params ReadOnlySpan<string> lines)
    {
        foreach (string line in lines) Console.Out.WriteLine(Shown(line));
    }

    /// <summary>
    /// Writes JSON to the output. Its writer escapes what terminals obey, but for what turns the direction of writing: that is escaped
    /// here.
    /// </summary>
    internal static void WriteJson(string json) =>
        Console.Out.WriteLine(string.Concat(json.Select(c => IsDirection(c) ? $"\\u{(int)c:X4}" : $"{c}")));

    /// <summary>Writes a line to the error stream.</summary>
    internal static void WriteError(string line) => Console.Error.WriteLine(Shown(line));

    /// <summary>Writes a text of several lines to the error stream.</summary>
    internal static void WriteErrorLines(string text) => Console.Error.WriteLine(ShownLines(text));

    /// <summary>
    /// A console for tables and bars on the process's output as it is now; as wide as its lines need to be where it is no terminal.
    /// </summary>
    internal static IAnsiConsole Rich() => On(Console.Out, Console.IsOutputRedirected);

    /// <summary>The same on the error stream.</summary>
    internal static IAnsiConsole RichError() => On(Console.Error, Console.IsErrorRedirected);

    private static IAnsiConsole On(TextWriter stream, bool isRedirected)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(stream) });
        if (isRedirected) console.Profile.Width = 160;
        console.Pipeline.Attach(new ControlsShown());
        return console;
    }

    private static bool IsControl(int c) => c is < 0x20 or (>= 0x7F and <= 0x9F) or 0x2028 or 0x2029 or 0xFEFF || IsDirection(c);

    private static bool IsDirection(int c) => c is 0x61C or 0x200E or 0x200F or (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069);

    /// <summary>Unicode has pictures of the 33 controls of ASCII.</summary>
    private static Rune Sign(int c) => new(c < 0x20 ? 0x2400 + c : c == 0x7F ? 0x2421 : 0xFFFD);

    /// <summary>What a console renders, with its own control codes and without those of the texts.</summary>
    private sealed class ControlsShown : IRenderHook
    {
        public IEnumerable<IRenderable> Process(RenderOptions options, IEnumerable<IRenderable> renderables) =>
            renderables.Select(inner => new Harmless(inner));
    }

    private sealed class Harmless(IRenderable inner) : IRenderable
    {
        public Spectre.Console.Rendering.Measurement Measure(RenderOptions options, int maxWidth) => inner.Measure(options, maxWidth);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
            inner.Render(options, maxWidth).Select(segment =>
                segment.IsControlCode || segment.IsLineBreak ? segment : new Segment(Shown(segment.Text), segment.Style));
    }

    [GeneratedRegex(@"^[\p{L}\p{N}_./\\:@%+=,-]+$")]
    private static partial Regex Plain();
}
