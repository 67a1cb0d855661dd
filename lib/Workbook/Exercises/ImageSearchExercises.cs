using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 08: the reciprocal rank, negative queries, shards, and answers that differ.</summary>
public static class ImageSearchExercises
{
    private const double Sameness = 0.5;

    /// <summary>Cosines, (Q, N), and for each query the position of its only right answer → the mean reciprocal rank, 0 to 1.</summary>
    public static Exercise<Func<Tensor, long[], double>> ReciprocalRank { get; } = new()
    {
        Title = Lesson.In("The reciprocal rank", "순위의 역수"),
        Reference = (cosines, right) => Ranks(cosines, right).Average(rank => 1 / rank),
        Cases =
        [
            new(Lesson.In("1 query among 5, the right answer in second place", "질문 1개, 5개 가운데 정답이 둘째"),
                f => f(tensor(new[] { 0.1f, 0.7f, 0.4f, -0.2f, 0.3f }).reshape(1, 5), [2])),
            new(Lesson.In("3 queries among 8, (3, 8)", "질문 3개, 8개 가운데, (3, 8)"), f => f(Inputs.Normal(81, 3, 8), [0, 5, 3])),
            new(Lesson.In("6 queries among 20, (6, 20)", "질문 6개, 20개 가운데, (6, 20)"),
                f => f(Inputs.Normal(82, 6, 20), [4, 19, 0, 7, 7, 12])),
        ],
        Mistakes =
        [
            new("counted from zero", (cosines, right) => Ranks(cosines, right).Average(rank => 1 / (rank + 1)),
                Lesson.In("Your first place counts one half: ranks begin at 1. How many are better than the right answer, plus one.",
                    "첫째가 2분의 1로 셈됩니다. 순위는 1에서 시작합니다. 정답보다 나은 것의 수에 1을 더하십시오.")),
            new("one over the mean", (cosines, right) => 1 / Ranks(cosines, right).Average(),
                Lesson.In("You took one over the mean rank, which a single bad query ruins. Take one over each rank first, then the mean.",
                    "평균 순위의 역수를 냈습니다. 나쁜 질문 하나가 그것을 망칩니다. 순위마다 역수를 내고 나서 평균하십시오.")),
            new("the mean rank", (cosines, right) => Ranks(cosines, right).Average(),
                Lesson.In("That is the mean rank: the larger the worse. Asked for is the mean of one over it.",
                    "그것은 평균 순위입니다. 클수록 나쁩니다. 그 역수의 평균이어야 합니다.")),
            new("from the last", (cosines, right) => Ranks(-cosines, right).Average(rank => 1 / rank),
                Lesson.In("You counted from the least similar: similar means large.", "가장 안 비슷한 것부터 세었습니다. 비슷할수록 큽니다.")),
            new("first or nothing", (cosines, right) => Ranks(cosines, right).Average(rank => rank == 1 ? 1.0 : 0),
                Lesson.In("That is recall@1: a second place counts for nothing. Here it counts one half, a third place one third.",
                    "그것은 recall@1입니다. 둘째는 아무것도 아니게 됩니다. 여기서는 둘째가 2분의 1, 셋째가 3분의 1입니다.")),
        ],
    };

    /// <summary>
    /// Wanted features, (P, E), and unwanted ones, (N, E), all of unit length, and the weight of the unwanted → one query of unit length,
    /// (E): the sum of the wanted minus the weight times the sum of the unwanted.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, double, Tensor>> Negative { get; } = new()
    {
        Title = Lesson.In("Negative queries", "부정 질문"),
        Reference = (wanted, unwanted, weight) => functional.normalize(wanted.sum(dim: 0) - (unwanted.sum(dim: 0) * weight), p: 2, dim: 0),
        Cases =
        [
            new(Lesson.In("1 wanted, 1 unwanted, (1, 4) each, weight 0.5", "원하는 것 1개, 원하지 않는 것 1개, 모두 (1, 4), 무게 0.5"),
                f => f(Inputs.Unit(91, 1, 4), Inputs.Unit(92, 1, 4), 0.5)),
            new(Lesson.In("2 wanted (2, 6), 3 unwanted (3, 6), weight 1", "원하는 것 2개 (2, 6), 원하지 않는 것 3개 (3, 6), 무게 1"),
                f => f(Inputs.Unit(93, 2, 6), Inputs.Unit(94, 3, 6), 1)),
            new(Lesson.In("3 wanted (3, 5), 1 unwanted (1, 5), weight 0, so that it does not count",
                "원하는 것 3개 (3, 5), 원하지 않는 것 1개 (1, 5), 무게가 0이라 셈에 들지 않음"), f => f(Inputs.Unit(95, 3, 5), Inputs.Unit(96, 1, 5), 0)),
        ],
        Mistakes =
        [
            new("sum(0)", (wanted, unwanted, weight) =>
                functional.normalize(wanted.sum(ScalarType.Byte) - (unwanted.sum(ScalarType.Byte) * weight), p: 2, dim: 0),
                Lesson.In("In C#, sum(0) does not sum over dimension 0: the 0 is taken for a number type, and everything is summed as "
                    + "bytes. Write "
                    + "sum(dim: 0).",
                    "C#에서 sum(0)은 차원 0을 따라 더하지 않습니다. 0을 수의 형식으로 받아들여 모두를 바이트로 더합니다. sum(dim: 0)이라고 쓰십시오.")),
            new("added", (wanted, unwanted, weight) =>
                functional.normalize(wanted.sum(dim: 0) + (unwanted.sum(dim: 0) * weight), p: 2, dim: 0),
                Lesson.In("You added what is not wanted, so you will find more of it.", "원하지 않는 것을 더했으니 그것을 더 찾게 됩니다.")),
            new("length", (wanted, unwanted, weight) => wanted.sum(dim: 0) - (unwanted.sum(dim: 0) * weight),
                Lesson.In("The direction is right, the length is not 1: the scores would not be cosines, and no threshold would mean "
                    + "anything.",
                    "방향은 맞지만 길이가 1이 아닙니다. 점수가 코사인이 아니게 되어 문턱값이 뜻을 잃습니다.")),
            new("weight left out", (wanted, unwanted, _) => functional.normalize(wanted.sum(dim: 0) - unwanted.sum(dim: 0), p: 2, dim: 0),
                Lesson.In("Every unwanted query counts in full: the weight is left out.", "원하지 않는 것이 모두 그대로 셈됩니다. 무게가 빠졌습니다.")),
            new("normalised too early", (wanted, unwanted, weight) => functional.normalize(
                    functional.normalize(wanted.sum(dim: 0), p: 2, dim: 0)
                    - (functional.normalize(unwanted.sum(dim: 0), p: 2, dim: 0) * weight), p: 2, dim: 0),
                Lesson.In("You made each sum a unit vector before subtracting: three wanted queries then weigh no more than one.",
                    "빼기 전에 합을 저마다 단위 벡터로 만들었습니다. 그러면 원하는 것 셋이 하나와 무게가 같아집니다.")),
        ],
    };

    /// <summary>The best scores of two shards, each descending, and k → the best k of both, descending.</summary>
    public static Exercise<Func<double[], double[], int, double[]>> Merge { get; } = new()
    {
        Title = Lesson.In("Two shards, one ranking", "조각 둘, 순위 하나"),
        Reference = (first, second, k) => [.. first.Concat(second).OrderDescending().Take(k)],
        Cases =
        [
            new(Lesson.In("0.9 0.5 0.4 and 0.8 0.7 0.6, the best 3", "0.9 0.5 0.4와 0.8 0.7 0.6, 가장 좋은 3개"),
                f => f([0.9, 0.5, 0.4], [0.8, 0.7, 0.6], 3)),
            new(Lesson.In("0.9 0.8 0.7 0.6 and 0.3 0.2, the best 4", "0.9 0.8 0.7 0.6과 0.3 0.2, 가장 좋은 4개"),
                f => f([0.9, 0.8, 0.7, 0.6], [0.3, 0.2], 4)),
            new(Lesson.In("0.4 and nothing, the best 2", "0.4와 없음, 가장 좋은 2개"), f => f([0.4], [], 2)),
        ],
        Mistakes =
        [
            new("half of each", (first, second, k) => [.. first.Take((k + 1) / 2).Concat(second.Take(k / 2)).OrderDescending()],
                Lesson.In("You took half from each shard. All of the best may lie in one: take k from each, then choose.",
                    "조각마다 절반씩 가져왔습니다. 가장 좋은 것이 모두 한쪽에 있을 수도 있습니다. 양쪽에서 k개씩 가져와 고르십시오.")),
            new("not sorted", (first, second, k) => [.. first.Concat(second).Take(k)],
                Lesson.In("You put one list after the other and cut: the second shard's best may beat the first's.",
                    "한 목록 뒤에 다른 목록을 붙여 잘랐습니다. 둘째 조각의 가장 좋은 것이 첫째 조각의 것보다 나을 수 있습니다.")),
            new("ascending", (first, second, k) => [.. first.Concat(second).Order().Take(k)],
                Lesson.In("Sorted the wrong way: the best score comes first.", "거꾸로 줄을 세웠습니다. 가장 좋은 점수가 먼저입니다.")),
        ],
    };

    /// <summary>
    /// Embeddings, (N, E), and a query, (E), all of length 1, and k → k positions: first the nearest, then each time the one with the
    /// largest difference of its cosine with the query and half its largest cosine with those already taken.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, int, long[]>> Varied { get; } = new()
    {
        Title = Lesson.In("Answers that differ", "서로 다른 답"),
        Reference = (embeddings, query, k) => Choose(embeddings, query, k, Largest),
        Cases =
        [
            new(Lesson.In("6 embeddings (6, 4), two of them the same, the best 3", "임베딩 6개 (6, 4), 그 가운데 둘이 같음, 가장 좋은 3개"),
                f => f(cat([Inputs.Unit(83, 5, 4), Inputs.Unit(83, 5, 4)[..1]], 0), Inputs.Unit(83, 5, 4)[0], 3)),
            new(Lesson.In("12 embeddings (12, 5), the best 5", "임베딩 12개 (12, 5), 가장 좋은 5개"),
                f => f(Inputs.Unit(85, 12, 5), Inputs.Unit(86, 5), 5)),
            new(Lesson.In("4 embeddings (4, 3), all of them in order", "임베딩 4개 (4, 3), 모두를 순서대로"),
                f => f(Inputs.Unit(87, 4, 3), Inputs.Unit(88, 3), 4)),
        ],
        Mistakes =
        [
            new("the nearest", (embeddings, query, k) => [.. embeddings.mv(query).topk(k).indexes.data<long>()],
                Lesson.In("Those are the k nearest, as if none was taken before: a duplicate of the first comes second.",
                    "앞서 고른 것을 보지 않은, 가장 가까운 k개입니다. 첫째와 같은 것이 둘째로 옵니다.")),
            new("the mean", (embeddings, query, k) => Choose(embeddings, query, k, alike => alike.mean([1])),
                Lesson.In("You took the mean cosine with those taken: the more there are, the less a duplicate of one is noticed. Take "
                    + "the largest.",
                    "고른 것들과의 코사인을 평균했습니다. 많아질수록 그 하나와 같은 것이 눈에 띄지 않습니다. 가장 큰 것을 쓰십시오.")),
            new("the first alone", (embeddings, query, k) => Choose(embeddings, query, k, alike => alike.narrow(1, 0, 1).squeeze(1)),
                Lesson.In("You compare with the first alone: the third may then be a duplicate of the second.",
                    "첫째하고만 견줍니다. 그러면 셋째가 둘째와 같은 것일 수 있습니다.")),
            new("taken again", (embeddings, query, k) => Choose(embeddings, query, k, Largest, again: true),
                Lesson.In("One position comes twice: leave out what is taken already.", "한 위치가 두 번 나옵니다. 이미 고른 것은 빼십시오.")),
            new("added", (embeddings, query, k) => Choose(embeddings, query, k, alike => -Largest(alike)),
                Lesson.In("You added the likeness, and prefer duplicates: subtract it.", "닮음을 더해서 같은 것을 더 좋아하게 되었습니다. 빼십시오.")),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("08-image-search", [ReciprocalRank, Negative, Merge, Varied]);

    private static double[] Ranks(Tensor cosines, long[] right)
    {
        var own = cosines.gather(1, tensor(right).unsqueeze(1));                            // (Q, 1)
        return [.. cosines.gt(own).sum(dim: 1).to(float64).data<double>().ToArray().Select(better => better + 1)];
    }

    private static Tensor Largest(Tensor alike) => alike.amax([1]);

    private static long[] Choose(Tensor embeddings, Tensor query, int k, Func<Tensor, Tensor> likeness, bool again = false)
    {
        var (near, alike) = (embeddings.mv(query), embeddings.mm(embeddings.t()));          // (N), (N, N)
        List<long> taken = [near.argmax().ToInt64()];
        while (taken.Count < k)
        {
            var score = near - (Sameness * likeness(alike.index_select(1, tensor(taken.ToArray()))));
            if (!again) score = score.index_fill(0, tensor(taken.ToArray()), double.NegativeInfinity);
            taken.Add(score.argmax().ToInt64());
        }
        return [.. taken];
    }
}
