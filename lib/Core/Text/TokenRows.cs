using System.Text;

namespace ClipNotebooks.Core.Text;

/// <summary>Builds rows of a model's input: start ids, a caption's ids, end ids, padding.</summary>
/// <param name="Start">The ids before the caption's.</param>
/// <param name="End">The ids after the caption's; they stay when a caption is cut.</param>
/// <param name="ContextLength">The longest row.</param>
/// <param name="VocabularySize">The number of ids; every id is below it.</param>
internal sealed record TokenRows(int[] Start, int[] End, int ContextLength, int VocabularySize)
{
    /// <param name="texts">The captions.</param>
    /// <param name="encode">Turns a caption into its ids.</param>
    /// <param name="truncate">True: a caption that is too long is cut. False: it is refused.</param>
    /// <param name="padding">How long the rows become.</param>
    /// <param name="padId">The id that fills a row after its end.</param>
    internal TokenBatch Batch(IReadOnlyList<string> texts, Func<string, int[]> encode, bool truncate, Padding padding, int padId)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (padId < 0 || padId >= VocabularySize)
            throw new ArgumentOutOfRangeException(nameof(padId), padId, $"Padding has to be one of the ids 0 to {VocabularySize - 1}.");
        int around = Start.Length + End.Length, room = ContextLength - around;
        var rows = texts.Select(encode).ToList();
        for (int i = 0; i < rows.Count; i++)
        {
            if (rows[i].Length <= room) continue;
            if (!truncate)
            {
                throw new ArgumentException(
                    $"Caption {i} (\"{Shorten(texts[i])}\") has {rows[i].Length} tokens; with start and end at most {room} fit the " +
                    $"context of {ContextLength}. Shorten it, or pass truncate: true.");
            }
            rows[i] = rows[i][..room];
        }

        int longest = around + rows.Select(row => row.Length).DefaultIfEmpty(0).Max();
        int length = padding == Padding.ContextLength ? ContextLength : Math.Max(1, longest);
        var ids = new long[rows.Count * length];
        Array.Fill(ids, padId);
        for (int i = 0; i < rows.Count; i++)
        {
            int[] row = [.. Start, .. rows[i], .. End];
            for (int k = 0; k < row.Length; k++) ids[i * length + k] = row[k];
        }
        return new TokenBatch(ids, rows.Count, length, [.. rows.Select(row => Math.Max(0, row.Length + around - 1))]);
    }

    private static string Shorten(string text) => text.Length <= 60 ? text : new StringBuilder(text, 0, 57, 60).Append("...").ToString();
}
