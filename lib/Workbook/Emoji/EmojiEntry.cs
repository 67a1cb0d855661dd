namespace ClipNotebooks.Workbook.Emoji;

/// <summary>A picture of a gallery and what it is called.</summary>
/// <param name="File">The picture's file within the gallery, such as <c>elephant.webp</c>.</param>
/// <param name="Emoji">The emoji as text.</param>
/// <param name="Group">The group that its designers list it in, such as "Animals &amp; Nature".</param>
/// <param name="English">Its name and keywords.</param>
/// <param name="Korean">The same in Korean.</param>
public sealed record EmojiEntry(string File, string Emoji, string Group, EmojiNames English, EmojiNames Korean);
