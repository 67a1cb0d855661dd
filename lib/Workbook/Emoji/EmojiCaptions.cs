using ClipNotebooks.Core.Inference;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Workbook.Emoji;

/// <summary>What a picture may be called: names and keywords in English and Korean, alone or in simple sentences.</summary>
public static class EmojiCaptions
{
    /// <summary>Sentences in English with a gap for the name.</summary>
    public static IReadOnlyList<string> English { get; } =
        ["{}", "a picture of {}", "a drawing of {}", "an emoji of {}", "{} emoji", "a photo of a {}."];

    /// <summary>The same in Korean.</summary>
    public static IReadOnlyList<string> Korean { get; } = ["{}", "{} 그림", "{}의 그림", "{} 이모지", "{} 사진"];

    private const double Named = 0.5, NamedWithKeywords = 0.25;
    private const int MostKeywords = 3;

    /// <summary>All texts to learn a vocabulary from: each name in each sentence, and each keyword that may be trained with.</summary>
    public static IEnumerable<string> All(IEnumerable<EmojiConcept> concepts)
    {
        ArgumentNullException.ThrowIfNull(concepts);
        foreach (var concept in concepts)
        {
            foreach (var (words, templates) in new[] { (concept.English, English), (concept.Korean, Korean) })
            {
                foreach (string template in templates) yield return PromptTemplates.Fill(template, words.Name);
                foreach (string keyword in words.Keywords) yield return keyword;
            }
        }
        yield return "two pictures of three on the left and right 두 개 세 개 왼쪽에 오른쪽에 그리고";
    }

    /// <summary>A caption of one thing: its name in a sentence, the name and keywords, or keywords alone; in either language.</summary>
    internal static string One(EmojiConcept concept, Dice dice)
    {
        bool korean = dice.Below(2) == 1;
        var words = korean ? concept.Korean : concept.English;
        double kind = dice.Between(0, 1);
        if (kind < Named || words.Keywords.Count == 0) return PromptTemplates.Fill(dice.Of(korean ? Korean : English), words.Name);
        var some = Some(words.Keywords, 1 + dice.Below(MostKeywords), dice);
        if (kind < Named + NamedWithKeywords) some.Insert(dice.Below(2) * some.Count, words.Name);
        return string.Join(dice.Below(2) == 0 ? ", " : " ", some);
    }

    /// <summary>A caption of two things side by side.</summary>
    internal static string Two(EmojiConcept left, EmojiConcept right, Dice dice) => dice.Below(4) switch
    {
        0 => $"{left.English.Name} and {right.English.Name}",
        1 => $"{left.English.Name} on the left and {right.English.Name} on the right",
        2 => $"{left.Korean.Name} 그리고 {right.Korean.Name}",
        _ => $"왼쪽에 {left.Korean.Name}, 오른쪽에 {right.Korean.Name}",
    };

    /// <summary>A caption of the same thing two or three times.</summary>
    internal static string Several(EmojiConcept concept, int count, Dice dice) => dice.Below(2) == 0
        ? $"{(count == 2 ? "two" : "three")} pictures of {concept.English.Name}"
        : $"{concept.Korean.Name} {(count == 2 ? "두" : "세")} 개";

    private static List<string> Some(IReadOnlyList<string> keywords, int count, Dice dice)
    {
        List<string> rest = [.. keywords], some = [];
        while (some.Count < count && rest.Count > 0)
        {
            int at = dice.Below(rest.Count);
            some.Add(rest[at]);
            rest.RemoveAt(at);
        }
        return some;
    }
}
