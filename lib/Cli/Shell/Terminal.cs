using System.Text;
using System.Text.RegularExpressions;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ClipNotebooks.Cli.Shell;

/// <summary>
/// All output of the commands. File names, labels and captions come from elsewhere, and a terminal obeys control characters in them (which
/// can change its title, its colours or its keys, or write over other text). They are shown as visible signs instead, here and nowhere
/// else.
/// </summary>
internal static partial class Terminal
{
    /// <summary>An argument as a shell takes it in a line that is printed to be copied: in quotes where it needs them.</summary>
    internal static string Word(string argument) =>
        Plain().IsMatch(argument) ? argument : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>
    /// A text on one line, with a visible sign in place of each control character: ␛ for ESC, ␊ for a line end, and � for those without a
    /// sign of their own, for characters that change the direction of writing, and for unpaired surrogates.
    /// </summary>
    internal static string Shown(string text)
    {
        var shown = new StringBuilder(text.Length);
        // EnumerateRunes gives an unpaired surrogate as U+FFFD.
        foreach (var rune in text.EnumerateRunes()) shown.Append(IsControl(rune.Value) ? Sign(rune.Value) : rune);
        return shown.ToString();
    }

    /// <summary>The same for a text of several lines, whose line ends and tabs stay.</summary>
    internal static string ShownLines(string text) =>
        string.Join('\n', text.ReplaceLineEndings("\n").Split('\n').Select(line => string.Join('\t', line.Split('\t').Select(Shown))));

    /// <summary>Writes lines to the output; a line end within a line is shown as a sign.</summary>
    internal static void WriteLine(params ReadOnlySpan<string> lines)
    {
        foreach (string line in lines) Console.Out.WriteLine(Shown(line));
    }

    /// <summary>
    /// Writes JSON to the output. The JSON writer has escaped all that terminals obey, except what changes the direction of writing: that
    /// is escaped here.
    /// </summary>
    internal static void WriteJson(string json) =>
        Console.Out.WriteLine(string.Concat(json.Select(c => IsDirection(c) ? $"\\u{(int)c:X4}" : $"{c}")));

    /// <summary>Writes a line to the error stream.</summary>
    internal static void WriteError(string line) => Console.Error.WriteLine(Shown(line));

    /// <summary>Writes a text of several lines to the error stream.</summary>
    internal static void WriteErrorLines(string text) => Console.Error.WriteLine(ShownLines(text));

    /// <summary>A console for tables and bars on the process's output as it is now; 160 columns wide if the output is redirected.</summary>
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

    /// <summary>The visible sign of a control character: Unicode has one for each of ASCII's 33.</summary>
    private static Rune Sign(int c) => new(c < 0x20 ? 0x2400 + c : c == 0x7F ? 0x2421 : 0xFFFD);

    /// <summary>Makes control characters in texts visible, and leaves the console's own control codes.</summary>
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
