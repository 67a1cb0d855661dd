namespace ClipNotebooks.Core.Text;

/// <summary>Captions as rows of token ids.</summary>
/// <param name="Ids">(Count, Length), row-major: start token (where the tokenizer has one), ids, end token, padding.</param>
/// <param name="Count">B, the number of captions.</param>
/// <param name="Length">L, the length of a row.</param>
/// <param name="EndOfTextPositions">(B): the position of each row's end token.</param>
public sealed record TokenBatch(long[] Ids, int Count, int Length, int[] EndOfTextPositions)
{
    /// <summary>(B, L): 1 up to the end token, 0 for padding.</summary>
    public long[] AttentionMask()
    {
        var mask = new long[Ids.Length];
        for (int row = 0; row < Count; row++) mask.AsSpan(row * Length, EndOfTextPositions[row] + 1).Fill(1);
        return mask;
    }
}
