namespace ClipNotebooks.Workbook.Emoji;

/// <summary>Zero-shot classification of one group's pictures, by English names, among the names of all groups.</summary>
/// <param name="Group">The group.</param>
/// <param name="Pictures">How many pictures the group has.</param>
/// <param name="Top1">The share whose own name is the likeliest.</param>
/// <param name="Top5">The share whose own name is among the five likeliest.</param>
public sealed record EmojiGroupReport(string Group, int Pictures, double Top1, double Top5);
