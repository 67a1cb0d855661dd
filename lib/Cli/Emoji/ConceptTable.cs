using System.Security.Cryptography;
using System.Text;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook.Emoji;

namespace ClipNotebooks.Cli.Emoji;

/// <summary>
/// The concepts that several designers of emoji draw and that both languages name. Left out are skin tones; a man's or woman's
/// form where there is a person's, since designers often draw them alike; and concepts that are not drawn by at least three designers, the
/// held-out one among them. A drawing that a designer uses for two concepts counts for the first only.
/// </summary>
internal sealed class ConceptTable
{
    private const int Designers = 3;
    private const int OneIn = 5;

    private readonly HashSet<(string Style, string Svg)> _seen = [];
    private readonly SortedDictionary<string, int> _left = new(StringComparer.Ordinal);

    private ConceptTable()
    {
    }

    internal List<EmojiConcept> Concepts { get; } = [];

    /// <summary>How many of CLDR's entries were left out, by reason.</summary>
    internal IReadOnlyDictionary<string, int> Left => _left;

    /// <summary>Matches CLDR's names with the designers' drawings.</summary>
    /// <exception cref="UserError">Fewer than two concepts match.</exception>
    internal static ConceptTable Match(IReadOnlyList<(string Style, IconSet Icons, bool Trained)> designers, Annotations english,
        Annotations korean)
    {
        var table = new ConceptTable();
        var translated = korean.Entries.GroupBy(entry => Annotations.Id(entry.Emoji), StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.First(), StringComparer.Ordinal);
        var known = english.Entries.Select(entry => Annotations.Id(entry.Emoji)).ToHashSet(StringComparer.Ordinal);
        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (emoji, name, keywords) in english.Entries)
        {
            string id = Annotations.Id(emoji);
            if (!done.Add(id)) continue;
            if (!designers.Any(designer => designer.Icons.Draws(id))) table.Leave("drawn by no designer");
            else if (HasTone(id)) table.Leave("a tone of skin");
            else if (Person(id) is { } person && known.Contains(person) && designers.Any(designer => designer.Icons.Draws(person)))
                table.Leave("a man's or woman's form of what has a person's");
            else if (!translated.TryGetValue(id, out var translation)) table.Leave("without a Korean name");
            else table.Add(designers, id, emoji, Words(id, "en", name, keywords), Words(id, "ko", translation.Name, translation.Keywords));
        }
        if (table.Concepts.Count < 2) throw new UserError($"The packages have {table.Concepts.Count} concepts in common: CLDR names " +
            $"{english.Entries.Count}, and none or one of them is drawn by {Designers} designers. {EmojiPackages.Cure}");
        return table;
    }

    private void Add(IReadOnlyList<(string Style, IconSet Icons, bool Trained)> designers, string id, string emoji, EmojiWords english,
        EmojiWords korean)
    {
        var drawn = designers.Where(designer => designer.Icons.Draws(id)).ToList();
        var own = drawn.Where(designer => !_seen.Contains((designer.Style, designer.Icons.Svg(id)))).ToList();
        if (own.Count < Designers || own.All(designer => designer.Trained))
        {
            Leave(drawn.Count < Designers ? "drawn by too few designers" : "drawn as another concept is");
            return;
        }
        foreach (var designer in own) _seen.Add((designer.Style, designer.Icons.Svg(id)));
        string group = designers.Select(designer => designer.Icons.Group(id)).FirstOrDefault(found => found is not null) ?? "Other";
        Concepts.Add(new EmojiConcept(id, emoji, group, english, korean, [.. own.Select(designer => designer.Style)]));
    }

    private void Leave(string why) => _left[why] = _left.GetValueOrDefault(why) + 1;

    private static bool HasTone(string id) => id.Split('-').Any(point => point is "1f3fb" or "1f3fc" or "1f3fd" or "1f3fe" or "1f3ff");

    /// <summary>The id of a man's or woman's form → the id of the person's form; null for any other id.</summary>
    private static string? Person(string id)
    {
        foreach (string sign in new[] { "-200d-2640", "-200d-2642" })
            if (id.EndsWith(sign, StringComparison.Ordinal)) return id[..^sign.Length];
        foreach (string sign in new[] { "1f468", "1f469" })
            if (id.StartsWith(sign, StringComparison.Ordinal)) return "1f9d1" + id[sign.Length..];
        return null;
    }

    /// <summary>
    /// Holds out one keyword in five for measuring, chosen by a hash of concept, language and word. A keyword that is part of the name, or
    /// contains it, is never held out.
    /// </summary>
    private static EmojiWords Words(string id, string language, string name, string[] keywords)
    {
        var apart = keywords.Where(keyword => !name.Contains(keyword, StringComparison.OrdinalIgnoreCase)
            && !keyword.Contains(name, StringComparison.OrdinalIgnoreCase));
        var heldOut = apart.OrderBy(keyword => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{id} {language} {keyword}"))),
            StringComparer.Ordinal).Take((keywords.Length + OneIn / 2) / OneIn).ToHashSet(StringComparer.Ordinal);
        return new EmojiWords(name, [.. keywords.Where(keyword => !heldOut.Contains(keyword))], [.. keywords.Where(heldOut.Contains)]);
    }
}
