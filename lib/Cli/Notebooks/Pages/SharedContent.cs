using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>
/// What an interactive is given where that is much, such as a thousand pictures: a script beside the pages, named by what it holds. Both
/// editions then share one, and a page is read before it arrives. Where an interactive carries its own, outside a book, it stays inside.
/// </summary>
internal static partial class SharedContent
{
    /// <summary>In characters; less stays in the page.</summary>
    private const int Much = 50_000;

    private const string Prefix = "content-";

    /// <summary>What every such file's name fits.</summary>
    internal const string Pattern = Prefix + "*.js";

    /// <summary>The markup, which names its files where it held their content.</summary>
    internal static string Outside(string html) => Interactive().Replace(html, found => Given(found) is not { } json ? found.Value
        : $"{found.Groups["tag"].Value} data-content=\"{NameOf(json)}\"{found.Groups["between"].Value}");

    internal static IEnumerable<(string Name, Func<string> Create)> FilesOf(string html) =>
        Interactive().Matches(html).Select(Given).OfType<string>().Select(json => (NameOf(json), (Func<string>)(() => Script(json))));

    private static string Script(string json) => $"(window.clipContent = window.clipContent || {{}})[\"{NameOf(json)}\"] = {json};\n";

    private static string? Given(Match found) => found.Groups["json"].Length > Much ? found.Groups["json"].Value : null;

    private static string NameOf(string json) =>
        Prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(json)))[..12] + ".js";

    [GeneratedRegex("(?<tag><div class=\"clip-live\"[^>]*)(?<between>>.*?)<script type=\"application/json\">(?<json>.*?)</script>",
        RegexOptions.Singleline)]
    private static partial Regex Interactive();
}
