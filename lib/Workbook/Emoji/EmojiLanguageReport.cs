namespace ClipNotebooks.Workbook.Emoji;

/// <summary>How well one language's words work on one style's pictures; all shares are from 0 to 1.</summary>
/// <param name="Top1">The share of pictures whose own name is the likeliest of all names.</param>
/// <param name="Top5">Likewise among the five likeliest.</param>
/// <param name="NameAt1">Recall@1 from name to picture among all pictures.</param>
/// <param name="NameAt10">Recall@10 likewise.</param>
/// <param name="HeldOut">Retrieval by keywords that were never trained with.</param>
/// <param name="Trained">Retrieval by keywords that were trained with, for comparison.</param>
public sealed record EmojiLanguageReport(double Top1, double Top5, double NameAt1, double NameAt10, EmojiKeywordReport HeldOut,
    EmojiKeywordReport Trained);
