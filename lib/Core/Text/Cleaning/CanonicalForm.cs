using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace ClipNotebooks.Core.Text.Cleaning;

/// <summary>
/// Unicode's normalisation forms (Unicode Standard Annex 15), mainly C, which joins accents to their letters. .NET's own normalisation does
/// nothing in invariant globalisation, the mode in which the library runs where ICU is not installed. CanonicalForms.txt holds Unicode 14's
/// canonical decompositions (those with an exclamation mark are not composed again) and combining classes; CompatibleForms.txt holds the
/// compatibility decompositions.
/// </summary>
internal static class CanonicalForm
{
    private const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7, Leads = 19, Vowels = 21, Tails = 28;

    private static readonly Dictionary<int, int[]> Decompositions = [];
    private static readonly Dictionary<long, int> Compositions = [];

    /// <summary>The combining class of each code point below U+20000; above there are no marks.</summary>
    private static readonly byte[] Classes = new byte[0x20000];

    private static readonly Lazy<Dictionary<int, int[]>> Compatible = new(() =>
    {
        using var reader = Open("CompatibleForms.txt");
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t'))
            .ToDictionary(fields => Hexadecimal(fields[0]), fields => fields[1].Split(' ').Select(Hexadecimal).ToArray());
    });

    /// <summary>
    /// Characters that may change when a text is composed: marks, characters that join the one before them, and characters that are always
    /// decomposed. All surrogates are included; their pairs are examined later.
    /// </summary>
    private static readonly SearchValues<char> Changing;

    static CanonicalForm()
    {
        using var reader = Open("CanonicalForms.txt");
        while (reader.ReadLine() is { } line)
        {
            string[] fields = line.Split('\t'), range = fields[0].Split('-');
            if (range.Length == 2)
            {
                int first = Hexadecimal(range[0]), last = Hexadecimal(range[1]);
                Classes.AsSpan(first..(last + 1)).Fill(byte.Parse(fields[1], CultureInfo.InvariantCulture));
                continue;
            }
            int whole = Hexadecimal(fields[0].TrimEnd('!'));
            int[] parts = [.. fields[1].Split(' ').Select(Hexadecimal)];
            Decompositions[whole] = parts;
            if (!fields[0].EndsWith('!')) Compositions[Key(parts[0], parts[1])] = whole;
        }
        var marks = Enumerable.Range(0, Classes.Length).Where(c => Classes[c] > 0);
        var changing = marks.Concat(Compositions.Keys.Select(pair => (int)pair))
            .Concat(Decompositions.Keys.Except(Compositions.Values));
        var joining = Enumerable.Range(VowelBase, Vowels).Concat(Enumerable.Range(TailBase, Tails));
        var surrogates = Enumerable.Range(0xD800, 0x800);
        var all = changing.Concat(joining).Concat(surrogates);
        Changing = SearchValues.Create([.. all.Where(c => c <= char.MaxValue).Select(c => (char)c)]);
    }

    /// <summary>The text with every letter composed as far as Unicode has a character for it: form C.</summary>
    internal static string Compose(string text) =>
        text.AsSpan().ContainsAny(Changing) ? Normalize(text, compose: true, compatible: false) : text;

    /// <summary>
    /// Normalises to form C or D; with <paramref name="compatible"/> to KC or KD, which also replace characters that are only variants of
    /// others.
    /// </summary>
    internal static string Normalize(string text, bool compose, bool compatible)
    {
        if (Ascii.IsValid(text)) return text;
        var runes = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes()) Decompose(rune.Value, runes, compatible);
        Order(CollectionsMarshal.AsSpan(runes));
        if (compose) Join(runes);
        var result = new StringBuilder(text.Length);
        foreach (int rune in runes) result.Append(new Rune(rune));
        return result.ToString();
    }

    private static void Decompose(int rune, List<int> into, bool compatible)
    {
        int syllable = rune - HangulBase;
        if (syllable is >= 0 and < Leads * Vowels * Tails)
        {
            into.Add(LeadBase + syllable / (Vowels * Tails));
            into.Add(VowelBase + syllable % (Vowels * Tails) / Tails);
            if (syllable % Tails > 0) into.Add(TailBase + syllable % Tails);
        }
        else if (Decompositions.TryGetValue(rune, out int[]? parts))
            foreach (int part in parts) Decompose(part, into, compatible);
        else if (compatible && Compatible.Value.TryGetValue(rune, out parts))
            foreach (int part in parts) Decompose(part, into, compatible);
        else
            into.Add(rune);
    }

    /// <summary>Sorts the marks after each letter by combining class; equal classes keep their order.</summary>
    private static void Order(Span<int> runes)
    {
        for (int start = 0; start < runes.Length; start++)
        {
            int end = start;
            bool sorted = true;
            for (; end < runes.Length && Class(runes[end]) > 0; end++) sorted &= end == start || Class(runes[end - 1]) <= Class(runes[end]);
            if (!sorted) SortByClass(runes[start..end]);
            if (end > start) start = end;
        }
    }

    /// <summary>Counting sort, in time linear in the number of marks.</summary>
    private static void SortByClass(Span<int> marks)
    {
        Span<int> places = stackalloc int[256];
        places.Clear();
        foreach (int mark in marks) places[Class(mark)]++;
        for (int order = 0, place = 0; order < places.Length; order++) (places[order], place) = (place, place + places[order]);
        foreach (int mark in marks.ToArray()) marks[places[Class(mark)]++] = mark;
    }

    private static void Join(List<int> runes)
    {
        int letter = -1, last = 0, end = 0;
        foreach (int rune in runes.ToArray())
        {
            int order = Class(rune);
            bool blocked = letter >= 0 && end - letter > 1 && (last == 0 || last >= order);
            if (letter >= 0 && !blocked && Pair(runes[letter], rune) is { } whole)
            {
                runes[letter] = whole;
                continue;
            }
            if (order == 0) letter = end;
            last = order;
            runes[end++] = rune;
        }
        runes.RemoveRange(end, runes.Count - end);
    }

    private static int? Pair(int first, int second)
    {
        int lead = first - LeadBase, vowel = second - VowelBase, tail = second - TailBase, syllable = first - HangulBase;
        if (lead is >= 0 and < Leads && vowel is >= 0 and < Vowels) return HangulBase + (lead * Vowels + vowel) * Tails;
        if (syllable is >= 0 and < Leads * Vowels * Tails && syllable % Tails == 0 && tail is > 0 and < Tails) return first + tail;
        return Compositions.TryGetValue(Key(first, second), out int whole) ? whole : null;
    }

    /// <summary>Two code points as one number, the second in its lower half.</summary>
    private static long Key(int first, int second) => (long)first << 32 | (uint)second;

    private static StreamReader Open(string table) => new(typeof(CanonicalForm).Assembly.GetManifestResourceStream(table)!, Encoding.ASCII);

    private static int Class(int rune) => rune < Classes.Length ? Classes[rune] : 0;

    private static int Hexadecimal(string digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
