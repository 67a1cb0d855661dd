namespace ClipNotebooks.Workbook.Emoji;

/// <summary>What a concept is called in one language, after CLDR's annotations.</summary>
/// <param name="Name">Its short name, such as "elephant".</param>
/// <param name="Keywords">The words that may be trained with.</param>
/// <param name="HeldOut">One keyword in five, kept for measuring; none of them is a part of the name.</param>
public sealed record EmojiWords(string Name, IReadOnlyList<string> Keywords, IReadOnlyList<string> HeldOut);
