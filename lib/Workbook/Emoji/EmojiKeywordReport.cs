namespace ClipNotebooks.Workbook.Emoji;

/// <summary>
/// Text → image by single keywords: each asks for one concept's picture among those of the concepts that CLDR gives no such keyword.
/// </summary>
/// <param name="Queries">Keywords asked, each with its concept.</param>
/// <param name="At1">Recall@1.</param>
/// <param name="At10">Recall@10.</param>
/// <param name="Unseen">Of the queries, those whose keyword no concept was trained with.</param>
/// <param name="UnseenAt10">Recall@10 of these; 0 where there is none.</param>
public sealed record EmojiKeywordReport(int Queries, double At1, double At10, int Unseen, double UnseenAt10);
