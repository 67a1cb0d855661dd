using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Core.Text.Cleaning;

/// <summary>
/// Detects text that was probably decoded wrongly, by sequences of characters that hardly occur otherwise, such as an accented letter
/// before a currency sign (the sequences that ftfy 6.3.1 uses).
/// </summary>
internal static class Implausible
{
    private const string
        Common = "\xA0\xAD·´–—―…’",
        Control = "\x80-\x9F",
        Bad = "¦¤¨¬¯¸ƒˆˇ˘˛˜†‡‰⌐◊\uFFFDªº",
        Law = "¶§",
        Currency = "¢£¥₧€",
        Opening = "¡«¿©΄΅‘‚“„•‹\uF8FF",
        Closing = "®»˝”›™",
        Number = "²³¹±¼½¾×µ÷⁄∂∆∏∑√∞∩∫≈≠≡≤≥№",
        Face = "Ò-ÖÙ-Üò-öø-üŐŌŪŲ°",
        Upper = "À-ÑØÜÝĂĀĄĆČĎĐĘĚĒĖĞĢİĪĶĹĽŁĻŃŇŅŒŘŚŞŠŢŤŮŰŸŹŻŽҐ",
        Lower = "ßà-ñăąāćčďđęěēėğģįīķĺľłļœŕśşšťüźżžґﬁﬂ",
        UpperCommon = "ÞΑ-ΩΆΈΉΊΌΎΏΪΫЁ-Я",
        LowerCommon = "α-ωάέήίΰа-џ",
        Box = "│┌┐┘├┤┬┼═-╬▀▄█▌▐░▒▓",
        Letter = @"\p{L}\p{N}_",
        Space = @"\s\x1C-\x1F";

    /// <summary>Sequences of sets of characters, each in a regular expression's notation.</summary>
    private static readonly string[][] Neighbours =
    [
        [Control],
        [Bad + Lower + Upper + Box + Opening + Closing + Currency + Number + Law, Bad],
        ["a-zA-Z", LowerCommon + UpperCommon, Bad],
        [Bad, Lower + Upper + Box + Opening + Closing + Currency + Number + Law],
        [Lower + LowerCommon + Box + Closing + Currency + Number, Upper],
        [Box + Closing + Currency + Number, Lower],
        [Lower + Box + Closing, Currency],
        [Space, Upper, Currency],
        [Upper + Box, Number + Law],
        [Lower + Upper + Box + Currency + Closing, Opening, Number],
        [Lower + Upper + Currency + Number + Box + Law, Closing, Opening],
        [Currency + Number + Box, Opening],
        ["a-z", Upper, Opening + Currency],
        [Box, Face],
        [Lower + Upper + Currency + Number + Opening + Closing + Law, Box],
        [Box, Closing],
        [Lower + Upper, Opening + Closing, Letter],
        ["Œœ", "^A-Za-z"],
        [Upper, "°"],
        ["ÂÃÎÐ", "€œŠš¢£Ÿž\xA0\xAD®©°·»–—´" + Opening + Closing],
        ["×", "²³"],
        // Arabic, whose letters all begin with one of two bytes: two such letters in a row.
        ["ØÙ", Common + Currency + Bad + Number + Opening + "ŸŠ®°µ»", "ØÙ", Common + Currency + Bad + Number + Opening + "ŸŠ®°µ»"],
        // South Asian scripts.
        ["à", "²µ¹¼½¾"],
        // Mac Roman.
        ["√", "±∂†≠®™´≤≥¥µø"],
        ["≈", "°¢"],
        ["‚", "Ä", "ìîïòôúùû†°¢π"],
        ["‚", "âó", "àä°ê"],
        // Windows-1251: punctuation, then Latin-1 and Cyrillic, then Latin-1 twice over.
        ["в", "Ђ"],
        ["ВГРС", Control + Bad + Opening + Closing + Currency + "°µ", "ВГРС"],
        ["Г", "ў", "В", "Ђ", "В", @"^\n", "A-Za-z "],
        // Windows-1252's à, á and no-break space, also where that became a space.
        ["Ã", "\xA0¡"],
        ["a-z.,?!" + Closing, "Â", " " + Opening + Closing],
        // Windows-1253 and 1257.
        ["β", "€", "™\xA0Ά\xAD®°"],
        ["ΒΓΞΟ", Control + Bad + Opening + Closing + Currency + "°", "ΒΓΞΟ"],
        ["ā", "€"],
    ];

    // "a Ã " and "aÃ ": a wrongly decoded à before a space.
    private static readonly string[][] Sequences = [.. Neighbours, ["a-z", "ÃÂ", " "], ["a-z", Space, "ÃÂ", " "]];

    // One bit for each set of each sequence, in order (the Shift-And algorithm). A character's bits are those of the sets that contain it.
    // At each character the live bits move up by one, and survive if the character is in their set.
    private static readonly UInt128 First = Bits(0), Last = Bits(^1);
    private static readonly UInt128[] Ascii = [.. Enumerable.Range(0, 128).Select(c => SetsWith((char)c))];
    private static readonly ConcurrentDictionary<char, UInt128> Others = new();

    /// <summary>Whether any of the sequences occurs; in time linear in the text's length.</summary>
    internal static bool In(string text)
    {
        if (text.Length > 1 && text[0] is 'Ã' or 'Â' && text[1] == ' ') return true;
        var alive = UInt128.Zero;
        foreach (char c in text)
        {
            alive = (alive << 1 | First) & (c < 128 ? Ascii[c] : Others.GetOrAdd(c, SetsWith));
            if ((alive & Last) != 0) return true;
        }
        return false;
    }

    private static UInt128 Bits(Index of)
    {
        var (bits, at) = (UInt128.Zero, 0);
        foreach (string[] sets in Sequences)
        {
            bits |= UInt128.One << (at + of.GetOffset(sets.Length));
            at += sets.Length;
        }
        return bits;
    }

    private static UInt128 SetsWith(char c) =>
        Sequences.SelectMany(sets => sets).Index().Where(set => Regex.IsMatch($"{c}", $@"\A[{set.Item}]\z", RegexOptions.CultureInvariant))
            .Aggregate(UInt128.Zero, (bits, set) => bits | UInt128.One << set.Index);
}
