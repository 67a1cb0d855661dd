using ClipNotebooks.Clip.Training;
using ClipNotebooks.Workbook.Emoji;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>
/// The exercises of lesson 10: a low-rank update, merging it into a joint matrix, learning rates by layer, the running statistics of batch
/// normalisation, and which point between two models to take.
/// </summary>
public static class FineTuningExercises
{
    private const double Momentum = 0.1;

    private static readonly string[] Parameters =
    [
        "token_embedding.weight", "positional_embedding", "transformer.resblocks.0.attn.in_proj_weight",
        "transformer.resblocks.1.mlp.c_fc.weight", "transformer.resblocks.2.ln_1.bias", "ln_final.weight", "text_projection",
    ];

    /// <summary>
    /// Inputs x (N, in), a matrix W (out, in), its low-rank update A (r, in) and B (out, r), and alpha → x Wᵀ + (alpha / r) x Aᵀ Bᵀ, (N,
    /// out).
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, Tensor, Tensor, double, Tensor>> Addition { get; } = new()
    {
        Title = Lesson.In("A low-rank addition", "저랭크 덧셈"),
        Reference = (x, w, a, b, alpha) => Added(x, w, a, b, alpha / a.shape[0]),
        Cases =
        [
            new(Lesson.In("4 inputs (4, 6), W (5, 6), rank 2, alpha 6", "입력 4개 (4, 6), W (5, 6), 랭크 2, alpha 6"), f => f(Inputs.Normal(
                110, 4, 6), Inputs.Normal(111, 5, 6), Inputs.Normal(112, 2, 6), Inputs.Normal(113, 5, 2), 6)),
            new(Lesson.In("3 inputs (3, 8), W (8, 8), rank 3, alpha 1", "입력 3개 (3, 8), W (8, 8), 랭크 3, alpha 1"), f => f(Inputs.Normal(
                114, 3, 8), Inputs.Normal(115, 8, 8), Inputs.Normal(116, 3, 8), Inputs.Normal(117, 8, 3), 1)),
        ],
        Mistakes =
        [
            new("alpha alone", (x, w, a, b, alpha) => Added(x, w, a, b, alpha),
                Lesson.In("The factor is alpha divided by the rank, so that a larger rank does not make a larger step.",
                    "곱하는 수는 alpha를 랭크로 나눈 것입니다. 그래야 랭크를 키워도 걸음이 커지지 않습니다.")),
            new("no factor", (x, w, a, b, _) => Added(x, w, a, b, 1),
                Lesson.In("alpha is not in yours: the addition is multiplied by alpha / r.", "alpha가 빠졌습니다. 덧셈에 alpha / r을 곱합니다.")),
            new("in the place of W", (x, _, a, b, alpha) => x.mm(a.t()).mm(b.t()) * (alpha / a.shape[0]),
                Lesson.In("That is the addition alone. The frozen matrix goes on doing its work: add x · Wᵀ.",
                    "덧셈만 있습니다. 얼린 행렬도 하던 일을 그대로 합니다. x · Wᵀ를 더하십시오.")),
            new("both multiplied", (x, w, a, b, alpha) => Added(x, w, a, b, 1) * (alpha / a.shape[0]),
                Lesson.In("You multiplied the frozen matrix by alpha / r as well; the factor is the addition's alone.",
                    "얼린 행렬에도 alpha / r을 곱했습니다. 그 수는 덧셈에만 곱합니다.")),
        ],
    };

    /// <summary>
    /// A joint matrix of queries, keys and values (3D, D), the low-rank updates (r, D) and (D, r) of queries and of values, and their
    /// factor → the joint matrix with both merged, (3D, D).
    /// </summary>
    public static Exercise<Func<Tensor, (Tensor A, Tensor B), (Tensor A, Tensor B), double, Tensor>> Merge { get; } = new()
    {
        Title = Lesson.In("Merge into a third", "3분의 1에 병합하기"),
        Reference = (joint, q, v, scale) => joint + cat([Product(q, scale), zeros_like(Product(q, scale)), Product(v, scale)], 0),
        Cases =
        [
            new(Lesson.In("a joint matrix (12, 4), rank 2, factor 0.5", "합쳐진 행렬 (12, 4), 랭크 2, 곱하는 수 0.5"), f => f(
                Inputs.Normal(120, 12, 4), Pair(121, 4, 2), Pair(123, 4, 2), 0.5)),
            new(Lesson.In("a joint matrix (18, 6), rank 1, factor 2", "합쳐진 행렬 (18, 6), 랭크 1, 곱하는 수 2"), f => f(
                Inputs.Normal(125, 18, 6), Pair(126, 6, 1), Pair(128, 6, 1), 2)),
        ],
        Mistakes =
        [
            new("the keys' rows", (joint, q, v, scale) =>
                joint + cat([Product(q, scale), Product(v, scale), zeros_like(Product(v, scale))], 0),
                Lesson.In("The values' addition is in the keys' rows: the thirds are q, k, v, in this order.",
                    "값의 덧셈이 키의 행에 들어갔습니다. 3분의 1씩 쿼리, 키, 값의 순서입니다.")),
            new("transposed", (joint, q, v, scale) =>
                joint + cat([Product(q, scale).t(), zeros_like(Product(q, scale)), Product(v, scale).t()], 0),
                Lesson.In("Your product is the transpose: rows are outputs, so it is B · A, and not Aᵀ · Bᵀ.",
                    "곱이 전치되었습니다. 행이 출력이므로 Aᵀ · Bᵀ가 아니라 B · A입니다.")),
            new("no factor", (joint, q, v, _) => joint + cat([Product(q, 1), zeros_like(Product(q, 1)), Product(v, 1)], 0),
                Lesson.In("The factor is missing: what was trained beside the matrix was scale · B · A.",
                    "곱하는 수가 빠졌습니다. 행렬 옆에서 학습된 것은 scale · B · A입니다.")),
            new("taken out", (joint, q, v, scale) => joint - cat([Product(q, scale), zeros_like(Product(q, scale)), Product(v, scale)], 0),
                Lesson.In("That takes them out again, as Unmerge does: merging adds.", "그것은 도로 빼는 Unmerge입니다. 병합은 더합니다.")),
            new("queries alone", (joint, q, _, scale) => joint + cat([Product(q, scale), zeros(2 * q.B.shape[0], joint.shape[1])], 0),
                Lesson.In("The values' addition is not there.", "값의 덧셈이 없습니다.")),
        ],
    };

    /// <summary>
    /// The names of a text tower's parameters, its number of blocks, the learning rate and the decay → each parameter's learning rate: the
    /// full one after the last block, times the decay in the last block and once more in each block before; the embeddings come before the
    /// first block.
    /// </summary>
    public static Exercise<Func<string[], int, double, double, double[]>> LayerRates { get; } = new()
    {
        Title = Lesson.In("Rates by layer", "층마다 다른 학습률"),
        Reference = (names, layers, rate, decay) =>
        {
            var shape = EmojiClip.Config(512);
            shape = shape with { Text = shape.Text with { Layers = layers } };
            return [.. names.Select(name => rate * LayerDecay.Factor(name, shape, decay))];
        },
        Cases =
        [
            new(Lesson.In("7 parameters of 3 blocks, rate 1, decay 0.5", "블록 3개의 매개변수 7개, 학습률 1, 감쇠 0.5"), f => f(Parameters, 3, 1, 0.5)),
            new(Lesson.In("7 parameters of 6 blocks, rate 2, decay 0.8", "블록 6개의 매개변수 7개, 학습률 2, 감쇠 0.8"), f => f(Parameters, 6, 2, 0.8)),
        ],
        Mistakes =
        [
            new("upside down", (names, layers, rate, decay) => [.. names.Select(name => rate * Math.Pow(decay, Depth(name, layers)))],
                Lesson.In("Yours moves the embeddings the most. What lies near the input is the most general and is moved the least.",
                    "임베딩을 가장 많이 움직입니다. 입력 가까이 있는 것이 가장 일반적이므로 가장 적게 움직입니다.")),
            new("blocks from zero", (names, layers, rate, decay) => [.. names.Select(name => Depth(name, layers))
                .Select(depth => rate * Math.Pow(decay, layers + 1 - (depth > 0 && depth <= layers ? depth - 1 : depth)))],
                Lesson.In("Your first block has the embeddings' rate, and the last one is two factors below what follows it: block 0 is "
                    + "depth 1.",
                    "첫 블록이 임베딩과 같은 학습률이고, 마지막 블록은 그 뒤와 두 단계 차이가 납니다. 0번 블록의 깊이는 1입니다.")),
            new("all alike", (names, _, rate, _) => [.. names.Select(_ => rate)],
                Lesson.In("All have one rate: that is fine-tuning without the decay.", "모두 학습률이 같습니다. 감쇠가 없는 미세 조정입니다.")),
            new("in a straight line", (names, layers, rate, decay) =>
                [.. names.Select(name => rate * (1 - ((1 - decay) * (layers + 1 - Depth(name, layers)))))],
                Lesson.In("Yours falls in a straight line, which can end below 0: each block before is multiplied by the decay once more.",
                    "직선으로 떨어져서 0보다 작아질 수 있습니다. 한 블록 앞으로 갈 때마다 감쇠를 한 번 더 곱합니다.")),
        ],
    };

    /// <summary>
    /// Batches of (B, C, H, W) in their order → the running means and variances of batch normalisation after them, (2, C). They begin at 0
    /// and 1, and each new batch counts for a tenth.
    /// </summary>
    public static Exercise<Func<Tensor[], Tensor>> Notes { get; } = new()
    {
        Title = Lesson.In("What batch normalisation notes", "배치 정규화가 적어 두는 것"),
        Reference = batches =>
        {
            using var norm = BatchNorm2d(batches[0].shape[1]);
            norm.train();
            using var _ = no_grad();
            foreach (var batch in batches) norm.call(batch).Dispose();
            var state = norm.state_dict();
            return stack([state["running_mean"].clone(), state["running_var"].clone()], 0);
        },
        Cases =
        [
            new(Lesson.In("one batch (2, 3, 2, 2)", "배치 하나 (2, 3, 2, 2)"), f => f([2 + Inputs.Normal(130, 2, 3, 2, 2)])),
            new(Lesson.In("three batches (2, 4, 2, 3)", "배치 셋 (2, 4, 2, 3)"), f => f(
                [Inputs.Normal(131, 2, 4, 2, 3), 3 * Inputs.Normal(132, 2, 4, 2, 3), 5 + Inputs.Normal(133, 2, 4, 2, 3)])),
        ],
        Mistakes =
        [
            new("nine tenths of the newest", batches => Noted(batches, 1 - Momentum, true),
                Lesson.In("You keep a tenth of what was noted and take nine of the newest batch. It is the other way round, or it would "
                    + "forget at once.",
                    "적어 둔 것의 10분의 1만 남기고 새 배치에서 10분의 9를 가져왔습니다. 반대로 해야 합니다. 그러지 않으면 바로 잊습니다.")),
            new("divided by all", batches => Noted(batches, Momentum, false),
                Lesson.In("The variance that is noted is the unbiased one, divided by one less than the number of values (the batch "
                    + "itself is normalised by the other).",
                    "적어 두는 분산은 값의 수보다 하나 적은 수로 나눈 불편분산입니다(배치 자신은 다른 쪽으로 정규화합니다).")),
            new("the last batch", batches => Noted([batches[^1]], 1, true),
                Lesson.In("That is the last batch alone: nothing of what was noted before is kept.",
                    "마지막 배치뿐입니다. 앞서 적어 둔 것이 하나도 남지 않았습니다.")),
            new("the mean of all batches", batches => Noted([cat(batches, 0)], 1, true),
                Lesson.In("You averaged over all batches alike. The notes begin at 0 and 1 and take a tenth of each batch as it comes.",
                    "모든 배치를 똑같이 평균했습니다. 0과 1에서 시작해 배치가 올 때마다 10분의 1씩 가져옵니다.")),
        ],
    };

    /// <summary>
    /// Shares of the way from the zero-shot model to the fine-tuned one, rising from 0, the accuracy at each on the new and on the old
    /// style, and how much may be lost on the old one → the share that is best on the new style and loses no more than that; the smallest
    /// of equals.
    /// </summary>
    public static Exercise<Func<double[], double[], double[], double, double>> ChooseShare { get; } = new()
    {
        Title = Lesson.In("How far to go", "어디까지 갈까"),
        Reference = (shares, fresh, old, most) => Choose(shares, fresh, i => old[0] - old[i] <= most),
        Cases =
        [
            new(Lesson.In("5 shares, at most 5 points lost", "몫 5개, 잃는 것은 많아야 5점"), f => f(Quarters,
                [0.60, 0.78, 0.76, 0.82, 0.84], [0.90, 0.89, 0.86, 0.80, 0.70], 0.05)),
            new(Lesson.In("5 shares, at most 12 points lost, two as good", "몫 5개, 잃는 것은 많아야 12점, 둘이 똑같이 좋음"), f => f(Quarters,
                [0.60, 0.72, 0.80, 0.80, 0.78], [0.90, 0.89, 0.86, 0.80, 0.70], 0.12)),
            new(Lesson.In("5 shares, nothing lost", "몫 5개, 잃는 것 없이"), f => f(Quarters,
                [0.60, 0.74, 0.75, 0.85, 0.90], [0.90, 0.92, 0.91, 0.87, 0.85], 0)),
        ],
        Mistakes =
        [
            new("the best of all", (shares, fresh, _, _) => Choose(shares, fresh, _ => true),
                Lesson.In("You took the best on the new style, whatever it loses on the old one: look only at shares that lose at most "
                    + "so much.",
                    "옛 화풍에서 무엇을 잃든 새 화풍에서 가장 좋은 것을 골랐습니다. 그만큼만 잃는 몫들 가운데서 고르십시오.")),
            new("the farthest allowed", (shares, _, old, most) => shares.Where((_, i) => old[0] - old[i] <= most).Max(),
                Lesson.In("You went as far as the loss allows. Farther is not always better on the new style: take the best of those.",
                    "잃어도 되는 데까지 갔습니다. 멀리 간다고 새 화풍에서 늘 더 좋지는 않습니다. 그 가운데 가장 좋은 것을 고르십시오.")),
            new("against the best", (shares, fresh, old, most) => Choose(shares, fresh, i => old.Max() - old[i] <= most),
                Lesson.In("You measured the loss against the best point of the line. What is lost is lost against the zero-shot model, "
                    + "share 0.",
                    "선에서 가장 좋은 점에 견주어 잃은 것을 재었습니다. 잃은 것은 제로샷 모델, 곧 몫 0에 견주어 잽니다.")),
            new("the sum", (shares, fresh, old, _) => Choose(shares, [.. fresh.Zip(old, (a, b) => a + b)], _ => true),
                Lesson.In("You took the largest sum of both, which may lose more of the old style than is allowed.",
                    "둘의 합이 가장 큰 것을 골랐습니다. 옛 화풍에서 허락된 것보다 많이 잃을 수 있습니다.")),
            new("the larger of equals", (shares, fresh, old, most) => shares[Enumerable.Range(0, shares.Length)
                .Where(i => old[0] - old[i] <= most).OrderByDescending(i => fresh[i]).ThenByDescending(i => i).First()],
                Lesson.In("Two are as good, and you took the one that is farther away: of equals the least share, which loses less.",
                    "둘이 똑같이 좋은데 더 먼 것을 골랐습니다. 같으면 몫이 작은 쪽이 덜 잃습니다.")),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("10-fine-tuning", [Addition, Merge, LayerRates, Notes, ChooseShare]);

    private static double[] Quarters => [0, 0.25, 0.5, 0.75, 1];

    private static Tensor Added(Tensor x, Tensor w, Tensor a, Tensor b, double scale) =>
        functional.linear(x, w) + (scale * functional.linear(functional.linear(x, a), b));

    private static Tensor Product((Tensor A, Tensor B) of, double scale) => of.B.mm(of.A) * scale;

    private static (Tensor A, Tensor B) Pair(ulong seed, long width, long rank) =>
        (Inputs.Normal(seed, rank, width), Inputs.Normal(seed + 1, width, rank));

    /// <summary>0 for embeddings, n + 1 for block n, and one more than the last for what comes after the blocks.</summary>
    private static int Depth(string name, int layers) => name.Contains("embedding", StringComparison.Ordinal) ? 0
        : name.Split('.') is ["transformer", "resblocks", var block, ..]
            ? int.Parse(block, System.Globalization.CultureInfo.InvariantCulture) + 1 : layers + 1;

    private static Tensor Noted(Tensor[] batches, double share, bool unbiased)
    {
        long channels = batches[0].shape[1];
        Tensor mean = zeros(channels), variance = ones(channels);
        foreach (var batch in batches)
        {
            var values = batch.transpose(0, 1).flatten(1);                                      // (C, B · H · W)
            mean = ((1 - share) * mean) + (share * values.mean([1]));
            variance = ((1 - share) * variance) + (share * values.var(1, unbiased: unbiased));
        }
        return stack([mean, variance], 0);                                                      // (2, C)
    }

    private static double Choose(double[] shares, double[] accuracy, Func<int, bool> allowed) =>
        shares[Enumerable.Range(0, shares.Length).Where(allowed).OrderByDescending(i => accuracy[i]).ThenBy(i => i).First()];
}
