namespace ClipNotebooks.Workbook.Emoji;

/// <summary>A picture that is taken for something else.</summary>
/// <param name="Id">The concept that it shows.</param>
/// <param name="Name">Its English name.</param>
/// <param name="TakenForId">The concept that it is taken for.</param>
/// <param name="TakenFor">Its English name.</param>
/// <param name="By">By how much the wrong name's cosine is above the right one's.</param>
public sealed record EmojiConfusion(string Id, string Name, string TakenForId, string TakenFor, double By);
