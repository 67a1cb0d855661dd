using ClipNotebooks.Clip.Evaluation;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>
/// The exercises of lesson 09: recall@k, whether a difference is more than chance, the closed gap, and a projection on principal
/// components.
/// </summary>
public static class SummaryExercises
{
    /// <summary>Similarities, (N, N), where rows are queries and column i is the right answer to row i, and k → recall@k, 0 to 1.</summary>
    public static Exercise<Func<Tensor, int, double>> RecallAt { get; } = new()
    {
        Title = "Recall@k",
        Reference = Retrieval.RecallAt,
        Cases =
        [
            new(Lesson.In("12 queries, (12, 12), k = 1", "질문 12개, (12, 12), k = 1"), f => f(Pairs(91, 12), 1)),
            new(Lesson.In("12 queries, (12, 12), k = 3", "질문 12개, (12, 12), k = 3"), f => f(Pairs(92, 12), 3)),
            new(Lesson.In("20 queries, (20, 20), k = 5", "질문 20개, (20, 20), k = 5"), f => f(Pairs(93, 20), 5)),
        ],
        Mistakes =
        [
            new("the other direction", (similarity, k) => Retrieval.RecallAt(similarity.t(), k),
                Lesson.In("You searched down the columns: a query is a row here, so the k largest are taken along dimension 1.",
                    "열을 따라 내려가며 찾았습니다. 여기서는 질문이 행이므로 차원 1을 따라 가장 큰 k개를 고릅니다.")),
            new("one more", (similarity, k) => Retrieval.RecallAt(similarity, k + 1),
                Lesson.In("You looked at one candidate too many: with the best counted from 0, the own column's place must be below k.",
                    "후보를 하나 더 보았습니다. 가장 좋은 것을 0으로 셀 때 자기 열의 자리는 k보다 작아야 합니다.")),
            new("always the first", (similarity, _) => Retrieval.RecallAt(similarity, 1),
                Lesson.In("That is recall@1 whatever k is: look at the k largest of the row.", "k가 무엇이든 recall@1입니다. 행에서 가장 큰 k개를 보십시오.")),
            new("precision", (similarity, k) => Retrieval.RecallAt(similarity, k) / k,
                Lesson.In("You divided by k as well: that is precision@k. A query has one right answer, found or not.",
                    "k로도 나누었습니다. 그것은 precision@k입니다. 질문의 정답은 하나이고, 찾았거나 못 찾았거나입니다.")),
            new("the smallest", (similarity, k) => Retrieval.RecallAt(-similarity, k),
                Lesson.In("You took the smallest values of the row: similar means large.", "행에서 가장 작은 값을 골랐습니다. 비슷할수록 큽니다.")),
        ],
    };

    /// <summary>
    /// Whether each of N pictures was answered rightly by one model, and by another → the probability, 0 to 1, that the pictures on which
    /// only one of them is right divide at least as unevenly if both were equally good (the exact two-sided sign test).
    /// </summary>
    public static Exercise<Func<bool[], bool[], double>> Chance { get; } = new()
    {
        Title = Lesson.In("Better, or lucky?", "더 나은가, 운인가?"),
        Reference = (first, second) => Math.Min(1, 2 * Tail(Only(first, second), Only(second, first))),
        Cases =
        [
            new(Lesson.In("10 pictures, one of which the first alone has right", "그림 10장, 그 가운데 1장을 첫째만 맞힘"), f => Ask(f, 8, 1, 0, 1)),
            new(Lesson.In("32 pictures: 8 of them only the first has right, 1 only the second", "그림 32장: 첫째만 맞힌 것 8장, 둘째만 맞힌 것 1장"),
                f => Ask(f, 20, 8, 1, 3)),
            new(Lesson.In("56 pictures: 3 and 9", "그림 56장: 3장과 9장"), f => Ask(f, 40, 3, 9, 4)),
            new(Lesson.In("12 pictures: 2 and 2", "그림 12장: 2장과 2장"), f => Ask(f, 6, 2, 2, 2)),
        ],
        Mistakes =
        [
            new("one side", (first, second) => Tail(Only(first, second), Only(second, first)),
                Lesson.In("You counted one side. Before looking, either model might have come out ahead: double it, up to 1.",
                    "한쪽만 세었습니다. 보기 전에는 어느 모델이든 앞설 수 있었습니다. 두 배로 하되 1을 넘지 않게 하십시오.")),
            new("above one", (first, second) => 2 * Tail(Only(first, second), Only(second, first)),
                Lesson.In("With 2 against 2 yours is above 1: the two sides overlap in the middle. A probability is at most 1.",
                    "2 대 2일 때 1을 넘습니다. 두 쪽이 가운데에서 겹치기 때문입니다. 확률은 1을 넘지 않습니다.")),
            new("exactly so uneven", (first, second) => Math.Min(1, 2 * Term(Only(first, second), Only(second, first))),
                Lesson.In("You took the probability of this very split alone; add the more uneven ones, down to 0.",
                    "꼭 이렇게 갈릴 확률만 구했습니다. 더 치우친 것들도 0까지 더하십시오.")),
            new("all pictures", (first, second) => Math.Min(1, 2 * Tail(first.Count(right => right), second.Count(right => right))),
                Lesson.In("You compared how many each has right. Pictures that both have right, or both wrong, tell nothing: count those "
                    + "on which they differ.",
                    "저마다 맞힌 수를 견주었습니다. 둘 다 맞히거나 둘 다 틀린 그림은 아무것도 말해 주지 않습니다. 둘이 갈리는 그림만 세십시오.")),
        ],
    };

    /// <summary>
    /// Embeddings of images, (N, E), and of captions, (M, E), rows of length 1, and a share → the captions moved by that share of the
    /// vector from their mean to the images' mean, (M, E), rows of length 1 again.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, double, Tensor>> CloseGap { get; } = new()
    {
        Title = Lesson.In("Close the gap", "간극 메우기"),
        Reference = (images, texts, share) => functional.normalize(texts + (share * Gap(images, texts)), dim: 1),
        Cases =
        [
            new(Lesson.In("4 images and 6 captions, (4, 5) and (6, 5), half of the way", "이미지 4장과 캡션 6개, (4, 5)와 (6, 5), 절반만큼"),
                f => f(Inputs.Unit(98, 4, 5), Inputs.Unit(99, 6, 5), 0.5)),
            new(Lesson.In("7 images and 7 captions, (7, 3) and (7, 3), all of the way", "이미지 7장과 캡션 7개, (7, 3)과 (7, 3), 끝까지"),
                f => f(Inputs.Unit(100, 7, 3), Inputs.Unit(101, 7, 3), 1)),
        ],
        Mistakes =
        [
            new("away", (images, texts, share) => functional.normalize(texts - (share * Gap(images, texts)), dim: 1),
                Lesson.In("Your captions move away: the way to the images is the images' mean minus the captions'.",
                    "캡션이 멀어집니다. 이미지로 가는 길은 이미지의 평균에서 캡션의 평균을 뺀 것입니다.")),
            new("not normalised", (images, texts, share) => texts + (share * Gap(images, texts)),
                Lesson.In("The rows are no longer of length 1, so that a product with them is no cosine: normalise after the move.",
                    "행의 길이가 더는 1이 아니어서 곱이 코사인이 되지 않습니다. 옮긴 뒤에 정규화하십시오.")),
            new("all of the way", (images, texts, _) => functional.normalize(texts + Gap(images, texts), dim: 1),
                Lesson.In("You went all of the way, whatever the share.", "몫이 얼마이든 끝까지 갔습니다.")),
            new("unit step", (images, texts, share) =>
                functional.normalize(texts + (share * functional.normalize(Gap(images, texts), dim: 0)), dim: 1),
                Lesson.In("You made the way one long. Its length is the gap: share 1 leads from the one mean to the other.",
                    "길의 길이를 1로 만들었습니다. 그 길이가 간극입니다. 몫이 1이면 한 평균에서 다른 평균까지입니다.")),
            new("each by its own", (images, texts, share) => functional.normalize(texts + (share * (images.mean([0]) - texts)), dim: 1),
                Lesson.In("You pulled every caption to the images' mean, and so they lose what tells them apart. Move all by one vector.",
                    "캡션을 저마다 이미지의 평균으로 끌어당겨서 서로를 가르던 것이 사라집니다. 모두를 벡터 하나로 옮기십시오.")),
        ],
    };

    /// <summary>
    /// Points, (N, E) → their coordinates along the two directions of largest variance, (N, 2); the sign of a column does not matter.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor>> Projection { get; } = new()
    {
        Title = Lesson.In("The map's two axes", "지도의 두 축"),
        Reference = points => Principal(points - points.mean([0]), 0),
        Cases =
        [
            new(Lesson.In("9 points of width 4, (9, 4)", "폭이 4인 점 9개, (9, 4)"), f => Turned(f(Points(102, 9, 4)))),
            new(Lesson.In("6 points of width 8, (6, 8)", "폭이 8인 점 6개, (6, 8)"), f => Turned(f(Points(103, 6, 8)))),
        ],
        Tolerance = 1e-3,
        Mistakes =
        [
            new("not centred", points => Principal(points, 0),
                Lesson.In("Your first axis points at the middle of the points instead of along their spread: subtract the mean point "
                    + "first.",
                    "첫 축이 점들이 퍼진 방향이 아니라 점들의 한가운데를 가리킵니다. 먼저 평균 점을 빼십시오.")),
            new("every point centred", points => Principal(points - points.mean([1], keepdim: true), 0),
                Lesson.In("You subtracted from each point the mean of its own entries. The mean point is the mean over dimension 0.",
                    "점마다 자기 성분의 평균을 뺐습니다. 평균 점은 차원 0을 따라 낸 평균입니다.")),
            new("unscaled", points => linalg.svd(points - points.mean([0]), fullMatrices: false).U.narrow(1, 0, 2),
                Lesson.In("The columns of U have length 1, both: multiply them by the two singular values, or the axes lose their "
                    + "proportion.",
                    "U의 열은 둘 다 길이가 1입니다. 두 특잇값을 곱하지 않으면 두 축의 비율이 사라집니다.")),
            new("the last two", points => Principal(points - points.mean([0]), (int)Math.Min(points.shape[0], points.shape[1]) - 2),
                Lesson.In("Those are the directions of least variance: the singular values come the largest first.",
                    "분산이 가장 작은 방향들입니다. 특잇값은 큰 것부터 나옵니다.")),
            new("two entries", points => (points - points.mean([0])).narrow(1, 0, 2),
                Lesson.In("Those are the first two entries of the embedding, two directions of many. Which ones vary most is for the "
                    + "singular value "
                    + "decomposition to say.",
                    "임베딩의 처음 두 성분, 여러 방향 가운데 둘일 뿐입니다. 어느 방향으로 가장 크게 달라지는지는 특잇값 분해가 말해 줍니다.")),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("09-summary", [RecallAt, Chance, CloseGap, Projection]);

    /// <summary>The vector from the captions' mean to the images' mean, (E).</summary>
    private static Tensor Gap(Tensor images, Tensor texts) => images.mean([0]) - texts.mean([0]);

    /// <summary>On how many pictures the one is right and the other is not.</summary>
    private static int Only(bool[] one, bool[] other) => one.Zip(other).Count(pair => pair.First && !pair.Second);

    /// <summary>The probability that of a + b fair coins exactly min(a, b) show heads.</summary>
    private static double Term(int a, int b) => Binomial(a + b, Math.Min(a, b)) / Math.Pow(2, a + b);

    /// <summary>The probability that at most min(a, b) of them do.</summary>
    private static double Tail(int a, int b) => Enumerable.Range(0, Math.Min(a, b) + 1).Sum(k => Binomial(a + b, k)) / Math.Pow(2, a + b);

    private static double Binomial(int n, int k) => Enumerable.Range(1, k).Aggregate(1.0, (product, i) => product * (n - k + i) / i);

    /// <summary>
    /// Asks about two models: how many pictures both have right, only the first, only the second, and neither. Each kind comes in a block.
    /// </summary>
    private static double Ask(Func<bool[], bool[], double> attempt, int both, int first, int second, int neither)
    {
        (bool, bool)[] pairs =
        [
            .. Enumerable.Repeat((true, false), first), .. Enumerable.Repeat((true, true), both),
            .. Enumerable.Repeat((false, true), second), .. Enumerable.Repeat((false, false), neither),
        ];
        return attempt([.. pairs.Select(pair => pair.Item1)], [.. pairs.Select(pair => pair.Item2)]);
    }

    /// <summary>
    /// Similarities in which each query's own column is raised a little, so that it comes first for some queries and not for others.
    /// </summary>
    private static Tensor Pairs(ulong seed, long n) => Inputs.Normal(seed, n, n) + eye(n);

    /// <summary>Points that lie off the origin and spread by a different amount in each direction.</summary>
    private static Tensor Points(ulong seed, long n, long width) => (Inputs.Normal(seed, n, width) * linspace(3, 0.3, width)) + 2;

    private static Tensor Principal(Tensor centred, int first)
    {
        var (u, s, _) = linalg.svd(centred, fullMatrices: false);
        return u.narrow(1, first, 2) * s.narrow(0, first, 2);
    }

    /// <summary>Each column with the sign that makes its entry of largest magnitude positive.</summary>
    private static Tensor Turned(Tensor coordinates)
    {
        if (coordinates is null || coordinates.dim() != 2) return coordinates!;
        var largest = coordinates.gather(0, coordinates.abs().argmax(0, keepdim: true));
        return coordinates * largest.sign();
    }
}
