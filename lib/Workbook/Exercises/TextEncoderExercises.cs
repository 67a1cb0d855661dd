using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 03: a merge, a row of ids, the causal mask, the pooling.</summary>
public static class TextEncoderExercises
{
    /// <summary>Symbols, the two ids of a pair, and the id of their union → the symbols after the merge.</summary>
    public static Exercise<Func<int[], int, int, int, int[]>> Merge { get; } = new()
    {
        Title = "One byte-pair merge",
        Reference = (symbols, left, right, merged) => MergeAll(symbols, left, right, merged),
        Cases =
        [
            new("symbols 5 1 2 7 1 2, pair 1 2", f => f([5, 1, 2, 7, 1, 2], 1, 2, 9)),
            new("symbols 2 1 4 2 1 2, pair 1 2", f => f([2, 1, 4, 2, 1, 2], 1, 2, 9)),
            new("symbols 3 3 3, pair 3 3", f => f([3, 3, 3], 3, 3, 9)),
        ],
        Mistakes =
        [
            new("first only", (symbols, left, right, merged) => MergeFirst(symbols, left, right, merged), "You merged the first occurrence only: a merge joins the pair wherever it stands."),
            new("either order", (symbols, left, right, merged) => MergeAll(MergeAll(symbols, left, right, merged), right, left, merged), "You joined the pair in the other order too: \"ab\" and \"ba\" are different merges."),
            new("nothing removed", (symbols, left, right, merged) => [.. symbols.Select((s, i) => s == left && i + 1 < symbols.Length && symbols[i + 1] == right ? merged : s)],
                "The right half is still there: two symbols become one, so the row gets shorter."),
        ],
    };

    /// <summary>Ids of a caption, the context length, the start id and the end id → a row of the context's length, padded with 0.</summary>
    public static Exercise<Func<int[], int, int, int, int[]>> Row { get; } = new()
    {
        Title = "A caption as a row",
        Reference = (ids, length, start, end) => Padded([start, .. ids.Take(length - 2), end], length),
        Cases =
        [
            new("3 ids in a context of 8", f => f([4, 7, 2], 8, 98, 99)),
            new("9 ids in a context of 6", f => f([4, 7, 2, 5, 5, 1, 8, 3, 6], 6, 98, 99)),
            new("no ids in a context of 4", f => f([], 4, 98, 99)),
        ],
        Mistakes =
        [
            new("end cut off", (ids, length, start, end) => Padded([.. new[] { start }.Concat(ids).Append(end).Take(length)], length), "A long caption lost its end token: cut the ids first, so that the end still fits."),
            new("no start", (ids, length, start, end) => Padded([.. ids.Take(length - 1), end], length), "The start token is missing: every row begins with it."),
            new("no padding", (ids, length, start, end) => [start, .. ids.Take(length - 2), end], "Rows of one batch have to be equally long: fill up with 0 after the end token."),
        ],
    };

    /// <summary>L → the additive mask, (L, L): 0 where token i may look at token j, −∞ where not.</summary>
    public static Exercise<Func<int, Tensor>> CausalMask { get; } = new()
    {
        Title = "The causal mask",
        Reference = length => full([length, length], float.NegativeInfinity).triu(1),
        Cases =
        [
            new("5 tokens, (5, 5), after exp, which makes 0 a 1 and −∞ a 0", f => f(5).exp()),
            new("2 tokens, (2, 2), after exp, which makes 0 a 1 and −∞ a 0", f => f(2).exp()),
        ],
        Mistakes =
        [
            new("not even itself", length => full([length, length], float.NegativeInfinity).triu(), "Your mask hides each token from itself; token 0 then sees nothing, and its softmax is NaN. Begin one above the diagonal."),
            new("the past", length => full([length, length], float.NegativeInfinity).tril(-1), "Your mask hides the past and lets token 0 see all that follows: the other triangle is meant."),
            new("zero times infinity", length => ones(length, length).triu(1) * float.NegativeInfinity, "0 · −∞ is NaN: take the triangle of a matrix that is full of −∞, instead of multiplying a triangle of ones."),
            new("ones", length => ones(length, length).triu(1), "Added to the scores, a 1 makes the future a little more attractive. What must not be seen gets −∞."),
        ],
    };

    /// <summary>Hidden states, (B, L, D), and ids, (B, L), of which the largest ends a text → the pooled features, (B, D).</summary>
    public static Exercise<Func<Tensor, Tensor, Tensor>> Pool { get; } = new()
    {
        Title = "Pooling at the end of text",
        Reference = (hidden, ids) => hidden[arange(hidden.shape[0]), ids.argmax(1)],
        Cases =
        [
            new("2 rows of 5, the ends at 2 and 3, (2, 5, 4)", f => f(Inputs.Normal(41, 2, 5, 4), tensor(new long[,] { { 98, 7, 99, 0, 0 }, { 98, 7, 3, 99, 0 } }))),
            new("2 rows of 4 padded with the end, the ends at 1 and 2, (2, 4, 3)", f => f(Inputs.Normal(42, 2, 4, 3), tensor(new long[,] { { 98, 99, 99, 99 }, { 98, 5, 99, 99 } }))),
        ],
        Mistakes =
        [
            new("last position", (hidden, _) => hidden.select(1, hidden.shape[1] - 1), "You took the last position, which is padding in a short caption: look for the end token of each row."),
            new("first position", (hidden, _) => hidden.select(1, 0), "You took the start token, as the image tower does; under a causal mask it has seen nothing but itself."),
            new("mean", (hidden, _) => hidden.mean([1]), "You averaged over all positions, padding among them: CLIP takes the end token alone."),
            new("one position for all", (hidden, ids) => hidden.select(1, ids[0].argmax().ToInt64()), "You pooled every row where the first one ends: each row has its own end."),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("03-text-encoder", [Merge, Row, CausalMask, Pool]);

    private static int[] MergeAll(int[] symbols, int left, int right, int merged)
    {
        var result = new List<int>();
        for (int i = 0; i < symbols.Length; i++)
        {
            bool pair = i + 1 < symbols.Length && symbols[i] == left && symbols[i + 1] == right;
            result.Add(pair ? merged : symbols[i]);
            if (pair) i++;
        }
        return [.. result];
    }

    private static int[] MergeFirst(int[] symbols, int left, int right, int merged)
    {
        int at = Enumerable.Range(0, symbols.Length - 1).FirstOrDefault(i => symbols[i] == left && symbols[i + 1] == right, -1);
        return at < 0 ? symbols : [.. symbols[..at], merged, .. symbols[(at + 2)..]];
    }

    private static int[] Padded(int[] row, int length) => [.. row, .. new int[length - row.Length]];
}
