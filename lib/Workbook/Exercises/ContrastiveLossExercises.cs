using ClipNotebooks.Clip.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 04: what a loss says, the loss, its gradient, a bug to find, and the sigmoid loss.</summary>
public static class ContrastiveLossExercises
{
    /// <summary>The number of captions B and the loss of a row whose own logit leads all others by the same amount → that amount.</summary>
    public static Exercise<Func<int, double, double>> Lead { get; } = new()
    {
        Title = Lesson.In("The lead behind a loss", "손실에서 되짚은 앞선 크기"),
        Reference = (captions, loss) => Math.Log((captions - 1) / (Math.Exp(loss) - 1)),
        Cases =
        [
            new(Lesson.In("4 captions, a loss of 0.189", "캡션 4개, 손실 0.189"), f => f(4, 0.189)),
            new(Lesson.In("4 captions, a loss of ln 4, as of one who knows nothing", "캡션 4개, 아무것도 모를 때의 손실 ln 4"), f => f(4, Math.Log(4))),
            new(Lesson.In("32,768 captions, a loss of 0.1", "캡션 32,768개, 손실 0.1"), f => f(32768, 0.1)),
        ],
        Tolerance = 1e-6,
        Mistakes =
        [
            new("rivals forgotten", (_, loss) => Math.Log(1 / (Math.Exp(loss) - 1)), Lesson.In(
                "That is the lead over a single rival. B − 1 of them stand in the denominator.",
                "그것은 경쟁자가 하나일 때입니다. 분모에는 경쟁자 B − 1개가 있습니다.")),
            new("itself a rival", (captions, loss) => Math.Log(captions / (Math.Exp(loss) - 1)), Lesson.In(
                "You counted B rivals; the own caption is not one of them.",
                "경쟁자를 B개로 셌습니다. 자기 캡션은 경쟁자가 아닙니다.")),
            new("sign", (captions, loss) => Math.Log((Math.Exp(loss) - 1) / (captions - 1)), Lesson.In(
                "The sign is turned: the smaller the loss, the larger the lead.",
                "부호가 뒤집혔습니다. 손실이 작을수록 앞선 크기가 큽니다.")),
            new("no logarithm", (captions, loss) => (captions - 1) / (Math.Exp(loss) - 1), Lesson.In(
                "That is e to the power of the lead: take its logarithm.",
                "그것은 e의 앞선 크기 제곱입니다. 로그를 취하십시오.")),
        ],
    };

    /// <summary>Logits per image, (B, B) → the symmetric loss, a scalar.</summary>
    public static Exercise<Func<Tensor, Tensor>> SymmetricLoss { get; } = new()
    {
        Title = Lesson.In("The symmetric loss", "대칭 손실"),
        Reference = ContrastiveLoss.FromLogits,
        Cases =
        [
            new(Lesson.In("random logits of 5 pairs, (5, 5)", "다섯 쌍의 무작위 로짓 (5, 5)"), f => f(3 * Inputs.Normal(21, 5, 5))),
            new(Lesson.In("random logits of 2 pairs, (2, 2)", "두 쌍의 무작위 로짓 (2, 2)"), f => f(3 * Inputs.Normal(22, 2, 2))),
        ],
        Mistakes =
        [
            new("rows only", logits => Rows(logits), Lesson.In(
                "You asked each image for its caption, but no caption for its image: add the same loss of the transposed matrix.",
                "이미지마다 캡션을 물었지만 캡션에게는 이미지를 묻지 않았습니다. 전치한 행렬의 같은 손실을 더하십시오.")),
            new("columns only", logits => Rows(logits.t()), Lesson.In(
                "You asked each caption for its image, but no image for its caption: add the same loss of the rows.",
                "캡션마다 이미지를 물었지만 이미지에게는 캡션을 묻지 않았습니다. 행의 같은 손실을 더하십시오.")),
            new("sum", logits => Rows(logits) + Rows(logits.t()), Lesson.In(
                "Twice too large: the two directions are averaged, not added.",
                "두 배 큽니다. 두 방향은 더하지 않고 평균합니다.")),
            new("everything but the negatives", logits => -logits.diag().mean(), Lesson.In(
                "You rewarded the pairs but compared them with nothing: a model would make all logits large. The negatives stand in "
                + "the softmax's denominator.",
                "쌍에는 상을 주었지만 아무것과도 견주지 않았습니다. 모델은 로짓을 모두 키우기만 할 것입니다. 틀린 쌍은 softmax의 분모에 있습니다.")),
        ],
    };

    /// <summary>Logits per image, (B, B) → the gradient of the symmetric loss with respect to them, (B, B).</summary>
    public static Exercise<Func<Tensor, Tensor>> Gradient { get; } = new()
    {
        Title = Lesson.In("The gradient of the loss, by hand", "손으로 구하는 손실의 그래디언트"),
        Reference = logits =>
        {
            using var _ = enable_grad();
            var leaf = logits.detach().requires_grad_();
            return autograd.grad([ContrastiveLoss.FromLogits(leaf)], [leaf])[0];
        },
        Cases =
        [
            new(Lesson.In("random logits of 4 pairs, (4, 4)", "네 쌍의 무작위 로짓 (4, 4)"), f => f(2 * Inputs.Normal(23, 4, 4))),
            new(Lesson.In("random logits of 7 pairs, (7, 7)", "일곱 쌍의 무작위 로짓 (7, 7)"), f => f(2 * Inputs.Normal(24, 7, 7))),
        ],
        Tolerance = 1e-5,
        Mistakes =
        [
            new("rows only", z => (z.softmax(1) - eye(z.shape[0])) / z.shape[0], Lesson.In(
                "That is the gradient of the image-to-text half. The columns have a softmax too; average the two.",
                "그것은 이미지에서 텍스트로 가는 절반의 그래디언트입니다. 열에도 softmax가 있으니 둘을 평균하십시오.")),
            new("targets forgotten", z => (z.softmax(1) + z.softmax(0)) / (2 * z.shape[0]), Lesson.In(
                "Everything is pushed down, the pairs as well: subtract the targets, 1 on the diagonal, from each softmax.",
                "쌍까지 모두 눌립니다. 두 softmax에서 정답, 곧 대각선의 1을 빼십시오.")),
            new("not averaged", z => (z.softmax(1) + z.softmax(0) - (2 * eye(z.shape[0]))) / 2, Lesson.In(
                "Too large by a factor of B: the loss is a mean over the B rows and the B columns.",
                "B배 큽니다. 손실은 B개의 행과 B개의 열에 대한 평균입니다.")),
            new("sign", z => ((2 * eye(z.shape[0])) - z.softmax(1) - z.softmax(0)) / (2 * z.shape[0]), Lesson.In(
                "The sign is turned: that is the direction in which to step, minus the gradient.",
                "부호가 뒤집혔습니다. 그것은 걸음을 옮길 방향, 곧 그래디언트에 −를 붙인 것입니다.")),
        ],
    };

    /// <summary>
    /// Embeddings, (B, E) each, rows of length 1, and the parameter ln(1 / τ) → the loss. The check looks at the loss and at the gradient
    /// that reaches the parameter.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, Tensor, Tensor>> LearnedScale { get; } = new()
    {
        Title = Lesson.In("Mend the document's training step", "문서의 학습 스텝 고치기"),
        Reference = ContrastiveLoss.WithLogitScale,
        Cases =
        [
            new(Lesson.In(
                "4 pairs, (4, 8) and (4, 8), loss and gradient of the parameter at ln(1 / 0.07)",
                "네 쌍 (4, 8)과 (4, 8), 손실과 ln(1 / 0.07)에서의 매개변수 그래디언트"),
                f => LossAndGradient(f, Inputs.Unit(25, 4, 8), Inputs.Unit(26, 4, 8), 2.6593f)),
            new(Lesson.In(
                "6 pairs, (6, 8) and (6, 8), loss and gradient of the parameter at 1",
                "여섯 쌍 (6, 8)과 (6, 8), 손실과 1에서의 매개변수 그래디언트"),
                f => LossAndGradient(f, Inputs.Unit(27, 6, 8), Inputs.Unit(28, 6, 8), 1f)),
        ],
        Mistakes =
        [
            new("the document's own",
                (image, text, logScale) => ContrastiveLoss.WithTemperature(image, text, logScale.exp().ToDouble()), Lesson.In(
                "Both bugs are still there: you divide by exp(logScale), a factor, and turning it into a number cuts its gradient.",
                "두 버그가 다 남아 있습니다. exp(logScale)은 곱하는 수인데 그것으로 나누고, 수로 바꾸어 그래디언트를 끊습니다.")),
            new("scale as a temperature",
                (image, text, logScale) => ContrastiveLoss.FromLogits(image.mm(text.t()) / logScale.exp()), Lesson.In(
                "The gradient flows now, but you divide by exp(logScale), a factor, 1 / τ: the logits are about 200 times too small.",
                "이제 그래디언트는 흐르지만, exp(logScale)은 곱하는 수 1 / τ인데 그것으로 나눕니다. 로짓이 200배쯤 작습니다.")),
            new("gradient cut",
                (image, text, logScale) => ContrastiveLoss.FromLogits(logScale.exp().ToSingle() * image.mm(text.t())), Lesson.In(
                "The loss is right, but no gradient reaches the parameter: a number forgets where it came from. Keep the scale a tensor.",
                "손실은 맞지만 매개변수에 그래디언트가 닿지 않습니다. 수는 어디서 왔는지 기억하지 못합니다. 스케일을 텐서로 두십시오.")),
            new("no exponential", (image, text, logScale) => ContrastiveLoss.FromLogits(logScale * image.mm(text.t())), Lesson.In(
                "The parameter is ln(1 / τ), not 1 / τ: take its exponential.",
                "매개변수는 1 / τ가 아니라 ln(1 / τ)입니다. 지수함수 값을 취하십시오.")),
        ],
    };

    /// <summary>
    /// Logits z = t · cos + b, (B, B) → the sigmoid loss, a scalar: the sum over all pairs divided by B (Zhai et al. 2023, equation 1).
    /// </summary>
    public static Exercise<Func<Tensor, Tensor>> Sigmoid { get; } = new()
    {
        Title = Lesson.In("The sigmoid loss", "시그모이드 손실"),
        Reference = SigmoidLoss.FromLogits,
        Cases =
        [
            new(Lesson.In("logits of 4 pairs, (4, 4)", "네 쌍의 로짓 (4, 4)"), f => f((3 * Inputs.Normal(29, 4, 4)) - 2)),
            new(Lesson.In("logits of 3 pairs, (3, 3), up to 200", "200까지의 세 쌍의 로짓 (3, 3)"), f => f(100 * Inputs.Normal(30, 3, 3))),
        ],
        Mistakes =
        [
            new("pairs only", z => -functional.logsigmoid(z.diag()).sum() / z.shape[0], Lesson.In(
                "You summed over the pairs only. The other B · (B − 1) entries are negatives, each asked to be below 0.",
                "쌍만 더했습니다. 나머지 B · (B − 1)개는 틀린 쌍이고 저마다 0보다 작아야 합니다.")),
            new("labels all +1", z => -functional.logsigmoid(z).sum() / z.shape[0], Lesson.In(
                "You call every entry a pair: off the diagonal the label is −1.",
                "모든 값을 쌍이라고 했습니다. 대각선 밖의 레이블은 −1입니다.")),
            new("mean over all", z => -functional.logsigmoid(z * ((2 * eye(z.shape[0])) - 1)).mean(), Lesson.In(
                "Too small by a factor of B: the sum over all B² entries is divided by B, the number of images, not by B².",
                "B배 작습니다. B²개를 더한 합을 B²이 아니라 이미지의 수 B로 나눕니다.")),
            new("labels 0 and 1", z => -functional.logsigmoid(z * eye(z.shape[0])).sum() / z.shape[0], Lesson.In(
                "With 0 as the label of a negative its logit is lost: every negative then costs ln 2. The labels are +1 and −1.",
                "틀린 쌍의 레이블을 0으로 하면 그 로짓이 사라져 틀린 쌍마다 ln 2가 듭니다. 레이블은 +1과 −1입니다.")),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("04-contrastive-loss", [Lead, SymmetricLoss, Gradient, LearnedScale, Sigmoid]);

    private static Tensor Rows(Tensor logits) => functional.cross_entropy(logits, arange(logits.shape[0]));

    private static double[] LossAndGradient(Func<Tensor, Tensor, Tensor, Tensor> attempt, Tensor image, Tensor text, float value)
    {
        using var _ = enable_grad();
        using var logScale = new Parameter(tensor(value));
        var loss = attempt(image, text, logScale);
        if (loss.requires_grad) loss.backward();
        return [loss.ToDouble(), logScale.grad is { } gradient ? gradient.ToDouble() : 0];
    }
}
