using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Emoji;

/// <summary>CLDR's names and keywords of characters in one language.</summary>
internal sealed class Annotations
{
    private Annotations(IReadOnlyList<(string Emoji, string Name, string[] Keywords)> entries) => Entries = entries;

    /// <summary>The entries in CLDR's order; the keywords do not repeat the name.</summary>
    internal IReadOnlyList<(string Emoji, string Name, string[] Keywords)> Entries { get; }

    /// <summary>The file of a language within the package.</summary>
    internal static string File(string language) => $"annotations/{language}/annotations.json";

    /// <summary>
    /// An emoji's code points in hexadecimal, joined by hyphens, without variation selectors; drawings and CLDR's entries are matched by
    /// it.
    /// </summary>
    internal static string Id(string emoji) => Plain(string.Join('-', emoji.EnumerateRunes().Select(rune => $"{rune.Value:x4}")));

    /// <summary>The same form of an id that may have variation selectors and capitals.</summary>
    internal static string Plain(string id) => string.Join('-', id.ToLowerInvariant().Split('-').Where(point => point != "fe0f"));

    /// <summary>Reads the annotations of a language.</summary>
    /// <exception cref="UserError">The file is damaged.</exception>
    internal static Annotations Read(NpmPackage package, string language)
    {
        try
        {
            var entries = new List<(string, string, string[])>();
            foreach (var entry in package.Json(File(language)).GetProperty("annotations").GetProperty("annotations").EnumerateObject())
            {
                if (!entry.Value.TryGetProperty("tts", out var spoken)) continue;
                string name = spoken[0].GetString()!;
                string[] keywords = entry.Value.TryGetProperty("default", out var list)
                    ? [.. list.EnumerateArray().Select(keyword => keyword.GetString()!).Where(keyword => keyword != name).Distinct()] : [];
                entries.Add((entry.Name, name, keywords));
            }
            return new Annotations(entries);
        }
        catch (Exception exception) when (exception is InvalidOperationException or KeyNotFoundException or IndexOutOfRangeException)
        {
            throw package.Damaged(File(language), exception.Message, exception);
        }
    }
}
