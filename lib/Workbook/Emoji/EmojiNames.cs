namespace ClipNotebooks.Workbook.Emoji;

/// <summary>What a picture of a gallery is called in one language, after CLDR's annotations.</summary>
/// <param name="Name">Its short name, such as "elephant".</param>
/// <param name="Keywords">Other words for it.</param>
public sealed record EmojiNames(string Name, IReadOnlyList<string> Keywords);
