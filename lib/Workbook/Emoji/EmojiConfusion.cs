namespace ClipNotebooks.Workbook.Emoji;

/// <summary>A picture that a model takes for something else.</summary>
/// <param name="Id">The concept that it shows.</param>
/// <param name="Name">Its English name.</param>
/// <param name="TakenForId">The concept that it is taken for.</param>
/// <param name="TakenFor">Its English name.</param>
/// <param name="By">How much the cosine of the wrong name is above that of the right one; 0 for a tie, which is a mistake too.</param>
public sealed record EmojiConfusion(string Id, string Name, string TakenForId, string TakenFor, double By);
