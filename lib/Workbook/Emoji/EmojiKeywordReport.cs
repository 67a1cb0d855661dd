namespace ClipNotebooks.Workbook.Emoji;

/// <summary>
/// Text → image retrieval by single keywords. Each query asks for one concept's picture among those of the concepts to which CLDR does not
/// give the keyword.
/// </summary>
/// <param name="Queries">The number of queries, one for each keyword of each concept.</param>
/// <param name="At1">Recall@1.</param>
/// <param name="At10">Recall@10.</param>
/// <param name="Unseen">How many of the queries have a keyword that no concept was trained with.</param>
/// <param name="UnseenAt10">Recall@10 of these; 0 if there are none.</param>
public sealed record EmojiKeywordReport(int Queries, double At1, double At10, int Unseen, double UnseenAt10);
