namespace ClipNotebooks.Workbook.Emoji;

/// <summary>Something that several designers of emoji (such as Noto and Twemoji) draw: an emoji, without its skin tones.</summary>
/// <param name="Id">Its code points in hexadecimal, joined by hyphens, without variation selectors, such as <c>1f418</c>.</param>
/// <param name="Emoji">The emoji as text.</param>
/// <param name="Group">The group that its designers list it in, such as "Animals &amp; Nature".</param>
/// <param name="English">Its name and keywords.</param>
/// <param name="Korean">The same in Korean.</param>
/// <param name="Styles">The designers that draw it, by name.</param>
public sealed record EmojiConcept(string Id, string Emoji, string Group, EmojiWords English, EmojiWords Korean,
    IReadOnlyList<string> Styles);
