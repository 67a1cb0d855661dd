using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 03: a merge, a row of ids, a mask that hides padding too, the pooling.</summary>
public static class TextEncoderExercises
{
    /// <summary>Symbols, the two ids of a pair, and the id of their union → the symbols after the merge.</summary>
    public static Exercise<Func<int[], int, int, int, int[]>> Merge { get; } = new()
    {
        Title = Lesson.In("One byte-pair merge", "바이트 쌍 병합 한 번"),
        Reference = (symbols, left, right, merged) => MergeAll(symbols, left, right, merged),
        Cases =
        [
            new(Lesson.In("symbols 5 1 2 7 1 2, pair 1 2", "기호 5 1 2 7 1 2, 쌍 1 2"), f => f([5, 1, 2, 7, 1, 2], 1, 2, 9)),
            new(Lesson.In("symbols 2 1 4 2 1 2, pair 1 2", "기호 2 1 4 2 1 2, 쌍 1 2"), f => f([2, 1, 4, 2, 1, 2], 1, 2, 9)),
            new(Lesson.In("symbols 3 3 3, pair 3 3", "기호 3 3 3, 쌍 3 3"), f => f([3, 3, 3], 3, 3, 9)),
        ],
        Mistakes =
        [
            new("first only", (symbols, left, right, merged) => MergeFirst(symbols, left, right, merged), Lesson.In(
                "You merged the first occurrence only: a merge joins the pair wherever it stands.",
                "처음 나온 쌍만 이었습니다. 병합은 쌍이 있는 곳마다 잇습니다.")),
            new("either order",
                (symbols, left, right, merged) => MergeAll(MergeAll(symbols, left, right, merged), right, left, merged), Lesson.In(
                "You joined the pair in the other order too: \"ab\" and \"ba\" are different merges.",
                "순서가 뒤집힌 쌍도 이었습니다. \"ab\"와 \"ba\"는 다른 병합입니다.")),
            new("nothing removed", (symbols, left, right, merged) => Marked(symbols, left, right, merged), Lesson.In(
                "The right half is still there: two symbols become one, so the row gets shorter.",
                "오른쪽 절반이 남아 있습니다. 기호 둘이 하나가 되므로 행이 짧아집니다.")),
        ],
    };

    /// <summary>Ids of a caption, the context length, the start id and the end id → a row of the context's length, padded with 0.</summary>
    public static Exercise<Func<int[], int, int, int, int[]>> Row { get; } = new()
    {
        Title = Lesson.In("A caption as a row", "행이 된 캡션"),
        Reference = (ids, length, start, end) => Padded([start, .. ids.Take(length - 2), end], length),
        Cases =
        [
            new(Lesson.In("3 ids in a context of 8", "문맥 길이 8에 토큰 ID 3개"), f => f([4, 7, 2], 8, 98, 99)),
            new(Lesson.In("9 ids in a context of 6", "문맥 길이 6에 토큰 ID 9개"), f => f([4, 7, 2, 5, 5, 1, 8, 3, 6], 6, 98, 99)),
            new(Lesson.In("no ids in a context of 4", "문맥 길이 4에 토큰 ID 없음"), f => f([], 4, 98, 99)),
        ],
        Mistakes =
        [
            new("end cut off", (ids, length, start, end) => Padded([.. ids.Prepend(start).Append(end).Take(length)], length), Lesson.In(
                "A long caption lost its end token: cut the ids first, so that the end still fits.",
                "긴 캡션이 끝 토큰을 잃었습니다. 끝이 들어갈 자리가 남도록 토큰 ID를 먼저 자르십시오.")),
            new("no start", (ids, length, start, end) => Padded([.. ids.Take(length - 1), end], length), Lesson.In(
                "The start token is missing: every row begins with it.",
                "시작 토큰이 없습니다. 모든 행은 그것으로 시작합니다.")),
            new("no padding", (ids, length, start, end) => [start, .. ids.Take(length - 2), end], Lesson.In(
                "Rows of one batch have to be equally long: fill up with 0 after the end token.",
                "한 배치의 행은 길이가 같아야 합니다. 끝 토큰 뒤를 0으로 채우십시오.")),
        ],
    };

    /// <summary>L and the position of the end token → the additive mask, (L, L): 0 where token i may look at j, −∞ where not.</summary>
    public static Exercise<Func<int, int, Tensor>> PaddedMask { get; } = new()
    {
        Title = Lesson.In("A causal mask that hides padding too", "패딩까지 가리는 인과 마스크"),
        Reference = Hidden,
        Cases =
        [
            new(Lesson.In(
                "6 tokens, the end at 3, after exp, which makes 0 a 1 and −∞ a 0", "토큰 6개, 끝은 3번, exp를 취해 0은 1로, −∞는 0으로"),
                f => f(6, 3).exp()),
            new(Lesson.In(
                "4 tokens, the end at 1, after exp, which makes 0 a 1 and −∞ a 0", "토큰 4개, 끝은 1번, exp를 취해 0은 1로, −∞는 0으로"),
                f => f(4, 1).exp()),
        ],
        Mistakes =
        [
            new("causal only", (length, _) => Causal(length, 1), Lesson.In(
                "Your mask is causal, but padding tokens still see padding: nobody may look behind the end.",
                "인과 마스크이지만 패딩 토큰이 여전히 패딩을 봅니다. 끝보다 뒤는 아무도 볼 수 없어야 합니다.")),
            new("padding only",
                (length, end) => Causal(length, 1).zero_().masked_fill(arange(length).gt(end), float.NegativeInfinity), Lesson.In(
                "Your mask hides the padding, but lets each token see those that follow it.",
                "패딩은 가렸지만 토큰이 자기 뒤의 토큰을 볼 수 있습니다.")),
            new("the end hidden", (length, end) => Hidden(length, end - 1), Lesson.In(
                "Your mask hides the end token as well; it is the first that has seen the whole text, and those from it on may see it.",
                "끝 토큰까지 가렸습니다. 글을 모두 본 첫 토큰이 그것이며, 거기서부터의 토큰은 그것을 봐도 됩니다.")),
            new("not even itself",
                (length, end) => Causal(length, 0).masked_fill(arange(length).gt(end), float.NegativeInfinity), Lesson.In(
                "Your mask hides each token from itself; token 0 then sees nothing, and its softmax is NaN. Begin one above the diagonal.",
                "토큰이 자기 자신도 보지 못합니다. 0번 토큰은 아무것도 보지 못해 softmax가 NaN이 됩니다. 대각선의 한 칸 위에서 시작하십시오.")),
            new("zero times infinity", (length, end) => ones(length, length).triu(1) * float.NegativeInfinity, Lesson.In(
                "0 · −∞ is NaN: take the triangle of a matrix that is full of −∞, instead of multiplying a triangle of ones.",
                "0 · −∞는 NaN입니다. 1로 된 삼각형에 곱하지 말고 −∞로 가득한 행렬에서 삼각형을 취하십시오.")),
        ],
    };

    /// <summary>Hidden states, (B, L, D), ids, (B, L), and the end token's id → the features at each row's first end, (B, D).</summary>
    public static Exercise<Func<Tensor, Tensor, long, Tensor>> Pool { get; } = new()
    {
        Title = Lesson.In("Pooling where the largest id is not the end", "가장 큰 토큰 ID가 끝이 아닐 때의 풀링"),
        Reference = (hidden, ids, end) => hidden[arange(hidden.shape[0]), ids.eq(end).to(int64).argmax(1)],
        Cases =
        [
            new(Lesson.In("2 rows of 5, end 50, at 2 and 3, (2, 5, 4)", "길이 5인 행 2개, 끝 50이 2번과 3번에, (2, 5, 4)"),
                f => f(Inputs.Normal(41, 2, 5, 4), tensor(new long[,] { { 49, 77, 50, 0, 0 }, { 49, 7, 77, 50, 0 } }), 50)),
            new(Lesson.In("2 rows of 4 padded with the end, 50, from 1 and 2 on, (2, 4, 3)", "길이 4인 행 2개, 끝 50이 1번과 2번부터 패딩까지, (2, 4, 3)"),
                f => f(Inputs.Normal(42, 2, 4, 3), tensor(new long[,] { { 49, 50, 50, 50 }, { 49, 51, 50, 50 } }), 50)),
        ],
        Mistakes =
        [
            new("the largest id", (hidden, ids, _) => hidden[arange(hidden.shape[0]), ids.argmax(1)], Lesson.In(
                "You pooled at the largest id. It ends a text in CLIP's own vocabulary; here the end is another id.",
                "가장 큰 토큰 ID에서 모았습니다. CLIP의 어휘에서는 그것이 끝이지만 여기서는 다른 ID가 끝입니다.")),
            new("last position", (hidden, _, _) => hidden.select(1, hidden.shape[1] - 1), Lesson.In(
                "You took the last position, which is padding in a short caption: look for the end token of each row.",
                "마지막 위치를 가져왔습니다. 짧은 캡션에서는 그곳이 패딩입니다. 행마다 끝 토큰을 찾으십시오.")),
            new("first position", (hidden, _, _) => hidden.select(1, 0), Lesson.In(
                "You took the start token, as the image tower does; under a causal mask it has seen nothing but itself.",
                "이미지 타워처럼 시작 토큰을 가져왔습니다. 인과 마스크 아래에서 그것은 자기 자신밖에 보지 못했습니다.")),
            new("mean", (hidden, _, _) => hidden.mean([1]), Lesson.In(
                "You averaged over all positions, padding among them: CLIP takes the end token alone.",
                "패딩까지 모든 위치를 평균했습니다. CLIP은 끝 토큰만 가져갑니다.")),
            new("one position for all", (hidden, ids, end) => hidden.select(1, ids[0].eq(end).to(int64).argmax().ToInt64()), Lesson.In(
                "You pooled every row where the first one ends: each row has its own end.",
                "모든 행을 첫 행이 끝나는 곳에서 모았습니다. 행마다 끝이 다릅니다.")),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("03-text-encoder", [Merge, Row, PaddedMask, Pool]);

    private static Tensor Causal(int length, int diagonal) => full([length, length], float.NegativeInfinity).triu(diagonal);

    private static Tensor Hidden(int length, int end) => Causal(length, 1).masked_fill(arange(length).gt(end), float.NegativeInfinity);

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

    private static int[] Marked(int[] symbols, int left, int right, int merged) =>
        [.. symbols.Select((s, i) => s == left && i + 1 < symbols.Length && symbols[i + 1] == right ? merged : s)];

    private static int[] Padded(int[] row, int length) => [.. row, .. new int[length - row.Length]];
}
