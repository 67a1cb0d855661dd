using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>
/// Content that pages share, each piece in a script file beside the pages that is named by a hash of its content: large data of
/// interactives, such as a thousand pictures, so that a page can be read before they are loaded; and the scripts of plots and interactives
/// themselves. The pages of both languages then use one copy. Outside a book, all of this stays in the markup.
/// </summary>
internal static partial class SharedContent
{
    /// <summary>Content of at most this many characters stays in the page.</summary>
    private const int Much = 2_000;

    private const string Prefix = "content-";

    /// <summary>A pattern that matches every such file's name.</summary>
    internal const string Pattern = Prefix + "*.js";

    /// <summary>The markup with references to the files in place of their content.</summary>
    internal static string Outside(string html) => Inline().Replace(
        Interactive().Replace(html, found => Given(found) is not { } json ? found.Value
            : $"{found.Groups["tag"].Value} data-content=\"{NameOf(json)}\"{found.Groups["between"].Value}"),
        found => Given(found) is not { } script ? found.Value : $"<script src=\"{NameOf(script)}\"></script>");

    internal static IEnumerable<(string Name, Func<string> Create)> FilesOf(string html) =>
        Interactive().Matches(html).Select(Given).OfType<string>().Select(json => (NameOf(json), (Func<string>)(() => Script(json))))
            .Concat(Inline().Matches(html).Select(Given).OfType<string>().Select(script => (NameOf(script), (Func<string>)(() => script))));

    private static string Script(string json) => $"(window.clipContent = window.clipContent || {{}})[\"{NameOf(json)}\"] = {json};\n";

    private static string? Given(Match found) => found.Groups["given"].Length > Much ? found.Groups["given"].Value : null;

    private static string NameOf(string given) =>
        Prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(given)))[..12] + ".js";

    [GeneratedRegex("(?<tag><div class=\"clip-live\"[^>]*)(?<between>>.*?)<script type=\"application/json\">(?<given>.*?)</script>",
        RegexOptions.Singleline)]
    private static partial Regex Interactive();

    [GeneratedRegex("<script>\n(?<given>.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Inline();
}
