using ClipNotebooks.Clip.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 05: the learning rate's schedule, clipped gradients, AdamW, and two steps with a bug.</summary>
public static class TrainingExercises
{
    private const int Updates = 4;
    private const double Rate = 0.5, Temperature = 0.2, Cold = 0.07, Peak = 0.1, First = 0.9, Second = 0.98, Tiny = 1e-6, Decay = 0.1;

    /// <summary>
    /// The step (from 0), the number of warm-up steps, the number of all steps and the peak → the learning rate: linear up to the peak,
    /// then half a cosine to 0.
    /// </summary>
    public static Exercise<Func<int, int, int, double, double>> Schedule { get; } = new()
    {
        Title = Lesson.In("Warm-up and cosine", "웜업과 코사인"),
        Reference = (step, warmup, steps, peak) =>
            new TrainerOptions { Steps = steps, WarmupSteps = warmup, LearningRate = peak }.LearningRateAt(step),
        Cases =
        [
            new(Lesson.In("step 0 of 100, 10 of them warm-up, peak 1", "100스텝 가운데 0번째, 웜업 10스텝, 최댓값 1"), f => f(0, 10, 100, 1)),
            new(Lesson.In("step 9, the warm-up's last", "웜업의 마지막인 9번째 스텝"), f => f(9, 10, 100, 1)),
            new(Lesson.In("step 55, half way down", "내려가는 길의 절반인 55번째 스텝"), f => f(55, 10, 100, 1)),
            new(Lesson.In("step 400 of 1000, 200 of them warm-up, peak 0.5", "1000스텝 가운데 400번째, 웜업 200스텝, 최댓값 0.5"),
                f => f(400, 200, 1000, 0.5)),
        ],
        Mistakes =
        [
            new("begins at zero", (step, warmup, steps, peak) =>
                step < warmup ? peak * step / warmup : Cosine(step - warmup, steps - warmup, peak),
                Lesson.In("Step 0 would learn nothing: count the step that is being done, (step + 1) / warmup.",
                    "0번째 스텝이 아무것도 배우지 못합니다. 지금 하고 있는 스텝까지 세어 (step + 1) / warmup으로 하십시오.")),
            new("cosine of all steps", (step, warmup, steps, peak) =>
                step < warmup ? peak * (step + 1) / warmup : Cosine(step, steps, peak),
                Lesson.In("The cosine begins where the warm-up ends: measure its progress from there, or the rate jumps.",
                    "코사인은 웜업이 끝나는 곳에서 시작합니다. 거기서부터 진행을 재지 않으면 학습률이 튑니다.")),
            new("whole cosine", (step, warmup, steps, peak) => step < warmup ? peak * (step + 1) / warmup
                : peak * 0.5 * (1 + Math.Cos(2 * Math.PI * (step - warmup) / (steps - warmup))),
                Lesson.In("A whole period comes back up to the peak at the end; half of one, π, ends at 0.",
                    "한 주기를 다 돌면 끝에서 다시 최댓값으로 올라옵니다. 반 주기, π에서 0으로 끝납니다.")),
            new("not halved", (step, warmup, steps, peak) => step < warmup ? peak * (step + 1) / warmup
                : peak * (1 + Math.Cos(Math.PI * (step - warmup) / (steps - warmup))),
                Lesson.In("1 + cos runs from 2 to 0: halve it.", "1 + cos은 2에서 0까지 갑니다. 반으로 나누십시오.")),
        ],
    };

    /// <summary>
    /// A step's gradients, of any shapes, and the largest norm allowed → the same gradients, all multiplied by one factor if their joint
    /// norm is larger.
    /// </summary>
    public static Exercise<Func<Tensor[], double, Tensor[]>> Clip { get; } = new()
    {
        Title = Lesson.In("Clip the gradients", "그래디언트 자르기"),
        Reference = (gradients, most) =>
        {
            using var _ = enable_grad();
            Parameter[] leaves = [.. gradients.Select(gradient => new Parameter(zeros_like(gradient)))];
            foreach (var (leaf, gradient) in leaves.Zip(gradients)) (leaf * gradient).sum().backward();
            nn.utils.clip_grad_norm_(leaves, most);
            return [.. leaves.Select(leaf => leaf.grad!)];
        },
        Cases =
        [
            new(Lesson.In("gradients (2, 3) and (4), longer than 1 together", "합쳐서 1보다 긴 그래디언트 (2, 3)과 (4)"),
                f => Flat(f([3 * Inputs.Normal(61, 2, 3), 0.2 * Inputs.Normal(62, 4)], 1))),
            new(Lesson.In("gradients (3) and (2, 2), shorter than 5 together", "합쳐서 5보다 짧은 그래디언트 (3)과 (2, 2)"),
                f => Flat(f([0.5 * Inputs.Normal(63, 3), 0.5 * Inputs.Normal(64, 2, 2)], 5))),
            new(Lesson.In("three gradients (5), each shorter than 2, together longer", "하나씩은 2보다 짧고 합치면 긴 그래디언트 (5) 셋"),
                f => Flat(f([1.5 * Inputs.Unit(65, 5), 1.7 * Inputs.Unit(66, 5), 1.9 * Inputs.Unit(67, 5)], 2))),
        ],
        Mistakes =
        [
            new("each by itself", (gradients, most) => [.. gradients.Select(g => g * Math.Min(1, most / Length(g)))],
                Lesson.In("You made each gradient short by itself, and so turned the step: a part that asked for much is held back more "
                    + "than "
                    + "one that asked for little. One factor for all of them keeps the direction.",
                    "그래디언트를 하나씩 줄여서 걸음의 방향이 바뀌었습니다. 많이 바란 부분이 적게 바란 부분보다 더 눌립니다. 모두에 같은 수를 곱해야 방향이 남습니다.")),
            new("each value", (gradients, most) => [.. gradients.Select(g => g.clamp(-most, most))],
                Lesson.In("You cut the values one by one; what is limited is the length of all gradients as one long vector.",
                    "값을 하나씩 잘랐습니다. 제한하는 것은 모든 그래디언트를 이어 붙인 긴 벡터 하나의 길이입니다.")),
            new("always", (gradients, most) => [.. gradients.Select(g => g * (most / Length(gradients)))],
                Lesson.In("You brought short gradients up to the limit as well. Clipping only shortens: the factor is at most 1.",
                    "짧은 그래디언트까지 한계로 늘렸습니다. 자르기는 줄이기만 합니다. 곱하는 수는 1을 넘지 않습니다.")),
            new("norms added", (gradients, most) => [.. gradients.Select(g => g * Math.Min(1, most / gradients.Sum(g => Length(g))))],
                Lesson.In("You added the norms. The norm of all together is the root of the sum of their squares.",
                    "노름을 더했습니다. 모두 합친 것의 노름은 제곱의 합의 제곱근입니다.")),
        ],
    };

    /// <summary>
    /// A weight and its gradients in K steps → the weight after K steps of AdamW with learning rate 0.1, β₁ 0.9, β₂ 0.98, ε 1e-6 and weight
    /// decay 0.1.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor[], Tensor>> AdamW { get; } = new()
    {
        Title = Lesson.In("AdamW by hand", "손으로 하는 AdamW"),
        Reference = (weight, gradients) =>
        {
            using var _ = enable_grad();
            var leaf = new Parameter(weight.clone());
            using var optimizer = optim.AdamW([leaf], lr: Peak, beta1: First, beta2: Second, eps: Tiny, weight_decay: Decay);
            foreach (var gradient in gradients)
            {
                optimizer.zero_grad();
                (leaf * gradient).sum().backward();
                Lesson.Step(optimizer);
            }
            return leaf.detach();
        },
        Cases =
        [
            new(Lesson.In("a weight (3), one step", "가중치 (3), 한 스텝"), f => f(Inputs.Normal(71, 3), [Inputs.Normal(72, 3)])),
            new(Lesson.In("a weight (2, 4), three steps", "가중치 (2, 4), 세 스텝"),
                f => f(5 * Inputs.Normal(73, 2, 4),
                    [Inputs.Normal(74, 2, 4), 0.01 * Inputs.Normal(75, 2, 4), 3 * Inputs.Normal(76, 2, 4)])),
        ],
        Mistakes =
        [
            new("decay in the gradient", (weight, gradients) => Adam(weight, gradients, inGradient: Decay, decay: 0),
                Lesson.In("You added the decay to the gradient, and the root took its size away again: that is Adam with L2. In AdamW "
                    + "the weight "
                    + "shrinks by itself, beside the step.",
                    "감쇠를 그래디언트에 더해서 제곱근으로 나눌 때 그 크기가 도로 사라졌습니다. 그것은 L2를 더한 Adam입니다. AdamW에서는 걸음과 따로 가중치 스스로 줄어듭니다.")),
            new("not corrected", (weight, gradients) => Adam(weight, gradients, corrected: false),
                Lesson.In("The two means begin at 0 and are too small for a while: divide them by 1 − 0.9ᵗ and 1 − 0.98ᵗ, t counted from "
                    + "1.",
                    "두 평균은 0에서 시작해 한동안 너무 작습니다. 1부터 센 t로 1 − 0.9ᵗ과 1 − 0.98ᵗ으로 나누십시오.")),
            new("no decay", (weight, gradients) => Adam(weight, gradients, decay: 0),
                Lesson.In("That is Adam: the W, the decay of the weight itself, is missing.", "그것은 Adam입니다. W, 곧 가중치 자체의 감쇠가 빠졌습니다.")),
            new("no root", (weight, gradients) => Adam(weight, gradients, root: false),
                Lesson.In("You divided by the mean square; divide by its root, so that a step does not depend on how large gradients are.",
                    "제곱의 평균으로 나누었습니다. 그 제곱근으로 나누어야 걸음이 그래디언트의 크기에 매이지 않습니다.")),
            new("decay without the rate", (weight, gradients) => Adam(weight, gradients, decay: Decay / Peak),
                Lesson.In("Your weight loses a tenth in each step. The decay is multiplied by the learning rate, 0.1 · 0.1: it fades "
                    + "with the schedule.",
                    "가중치가 스텝마다 10분의 1씩 줄어듭니다. 감쇠에는 학습률을 곱합니다(0.1 · 0.1). 학습률 일정을 따라 함께 작아집니다.")),
        ],
    };

    /// <summary>
    /// Images and captions, (B, E) each, rows of length 1 → the images after four steps of gradient descent on the contrastive loss, at
    /// temperature 0.2 and learning rate 0.5; the captions stay fixed.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, Tensor>> Step { get; } = new()
    {
        Title = Lesson.In("The step that remembers", "기억하는 스텝"),
        Reference = (image, text) => Descend(image, text, (x, gradient) => x - (gradient * Rate)),
        Cases =
        [
            new(Lesson.In("3 pairs (3, 4)", "쌍 3개 (3, 4)"), f => f(Inputs.Unit(51, 3, 4), Inputs.Unit(52, 3, 4))),
            new(Lesson.In("5 pairs (5, 8)", "쌍 5개 (5, 8)"), f => f(Inputs.Unit(53, 5, 8), Inputs.Unit(54, 5, 8))),
        ],
        Mistakes =
        [
            new("gradients pile up", (image, text) =>
            {
                var sum = zeros_like(image);
                return Descend(image, text, (x, gradient) => x - ((sum = sum + gradient) * Rate));
            }, Lesson.In("That is what the code above does: nothing sets the gradient back to zero, so each step repeats all the earlier "
                + "ones. "
                + "zero_grad comes before backward.",
                "위의 코드가 하는 일입니다. 그래디언트를 0으로 되돌리는 것이 없어서 스텝마다 앞의 것들을 모두 되풀이합니다. backward 앞에 zero_grad가 옵니다.")),
            new("uphill", (image, text) => Descend(image, text, (x, gradient) => x + (gradient * Rate)),
                Lesson.In("You went along the gradient, uphill: the loss grows. Descent subtracts it.",
                    "그래디언트를 따라 오르막으로 갔습니다. 손실이 커집니다. 내려가려면 빼야 합니다.")),
            new("one step", (image, text) => Descend(image, text, (x, gradient) => x - (gradient * Rate), 1),
                Lesson.In("One step was made; four were asked for.", "한 걸음만 갔습니다. 네 걸음이어야 합니다.")),
            new("one gradient for all", (image, text) =>
            {
                Tensor? first = null;
                return Descend(image, text, (x, gradient) => x - ((first ??= gradient) * Rate));
            }, Lesson.In("Each step used the first gradient. The loss is curved: compute it again where you stand.",
                "걸음마다 첫 그래디언트를 썼습니다. 손실은 굽어 있습니다. 서 있는 곳에서 다시 계산하십시오.")),
        ],
    };

    /// <summary>
    /// Images and captions, (B, E) each, rows of length 1, and which pairs show the same thing, (B, B) of 0 and 1 → the loss in both
    /// directions at temperature 0.07, with targets shared evenly among pairs of the same thing. The check looks at the loss and at the
    /// gradient that reaches the images.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, Tensor, Tensor>> SoftTargets { get; } = new()
    {
        Title = Lesson.In("The exam that writes itself", "스스로 출제하는 시험"),
        Reference = (image, text, same) => SharedLoss(image, text, same / same.sum(dim: 1, keepdim: true)),
        Cases =
        [
            new(Lesson.In("4 pairs (4, 8), the first two of the same thing, loss and gradient", "쌍 4개 (4, 8), 처음 둘이 같은 것, 손실과 그래디언트"),
                f => LossAndGradient(f, Inputs.Unit(55, 4, 8), 0, 0, 1, 2)),
            new(Lesson.In("6 pairs (6, 8), three of one thing and two of another, loss and gradient",
                "쌍 6개 (6, 8), 셋이 같은 것이고 둘이 또 같은 것, 손실과 그래디언트"), f => LossAndGradient(f, Inputs.Unit(56, 6, 8), 0, 1, 0, 2, 1, 0)),
            new(Lesson.In("3 pairs (3, 8), nearly collapsed into one vector, loss and gradient", "거의 벡터 하나로 무너진 쌍 3개 (3, 8), 손실과 그래디언트"),
                f => LossAndGradient(
                    f, nn.functional.normalize(Inputs.Unit(57, 1, 8) + (0.02 * Inputs.Normal(58, 3, 8)), dim: 1), 0, 1, 2)),
        ],
        Mistakes =
        [
            new("the model's own targets", (image, text, _) => SharedLoss(image, text, Own(image, text)),
                Lesson.In("That is the code above: the model still writes its own targets. Where all vectors are one, the targets are "
                    + "even, so are "
                    + "the predictions, and nothing pushes them apart. Make the targets from same, which the model cannot change.",
                    "위의 코드 그대로입니다. 여전히 모델이 정답을 씁니다. 모든 벡터가 하나이면 정답도 예측도 균등해서 둘을 떼어 놓을 것이 없습니다. 모델이 바꿀 수 없는 same으로 정답을 만드십시오.")),
            new("its own targets, detached", (image, text, _) => SharedLoss(image, text, Own(image, text).detach()),
                Lesson.In("Cutting the targets' gradient is not enough: their values still come from the embeddings, and vectors that "
                    + "lie together "
                    + "ask to stay together. Make the targets from same.",
                    "정답의 그래디언트를 끊는 것으로는 모자랍니다. 값은 여전히 임베딩에서 오고, 모여 있는 벡터는 그대로 모여 있으라고 합니다. same으로 정답을 만드십시오.")),
            new("rows that sum to two", (image, text, same) => SharedLoss(image, text, same),
                Lesson.In("A row with two right captions counts twice in yours: divide each row of same by its sum, so that the targets "
                    + "are "
                    + "probabilities.",
                    "옳은 캡션이 둘인 행이 두 번 세어집니다. same의 행을 저마다의 합으로 나누어 정답이 확률이 되게 하십시오.")),
            new("the diagonal alone", (image, text, same) => SharedLoss(image, text, eye(same.shape[0])),
                Lesson.In("That is the plain loss: it asks to tell apart what shows the same thing. Where same holds 1, both captions "
                    + "are right.",
                    "그것은 보통의 손실입니다. 같은 것을 보여 주는 것들을 가려내라고 합니다. same이 1인 곳에서는 두 캡션이 모두 옳습니다.")),
            new("images alone", (image, text, same) =>
                -(same / same.sum(dim: 1, keepdim: true) * (image.mm(text.t()) / Cold).log_softmax(1)).sum(dim: 1).mean(),
                Lesson.In("Half of it is missing: the captions look for their images as well, along the columns.",
                    "절반이 빠졌습니다. 캡션도 열을 따라 자기 이미지를 찾습니다.")),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("05-training", [Schedule, Clip, AdamW, Step, SoftTargets]);

    private static Tensor Flat(Tensor[] parts) => cat([.. parts.Select(part => part.flatten())], 0);

    private static double Length(params Tensor[] parts) => Flat(parts).norm().ToDouble();

    private static Tensor Adam(
        Tensor weight, Tensor[] gradients, double decay = Decay, double inGradient = 0, bool corrected = true, bool root = true)
    {
        Tensor w = weight, mean = zeros_like(weight), square = zeros_like(weight);
        for (int t = 1; t <= gradients.Length; t++)
        {
            var g = gradients[t - 1] + (inGradient * w);
            (mean, square) = ((First * mean) + ((1 - First) * g), (Second * square) + ((1 - Second) * g * g));
            var (m, v) = corrected ? (mean / (1 - Math.Pow(First, t)), square / (1 - Math.Pow(Second, t))) : (mean, square);
            w = w - (Peak * decay * w) - (Peak * m / ((root ? v.sqrt() : v) + Tiny));
        }
        return w;
    }

    private static double Cosine(int step, int steps, double peak) => peak * 0.5 * (1 + Math.Cos(Math.PI * step / steps));

    /// <summary>The mistake of lesson 05: the targets are the model's own similarities.</summary>
    private static Tensor Own(Tensor image, Tensor text) => ((image.mm(image.t()) + text.mm(text.t())) / 2).softmax(1);

    private static Tensor SharedLoss(Tensor image, Tensor text, Tensor targets)
    {
        var logits = image.mm(text.t()) / Cold;
        return -((targets * logits.log_softmax(1)).sum(dim: 1).mean() + (targets * logits.t().log_softmax(1)).sum(dim: 1).mean()) / 2;
    }

    /// <summary>
    /// The loss and its gradient. Each caption has the vector of the image before its own; pairs with the same number show the same thing.
    /// </summary>
    private static double[] LossAndGradient(Func<Tensor, Tensor, Tensor, Tensor> attempt, Tensor image, params long[] things)
    {
        using var _ = enable_grad();
        var numbers = tensor(things);
        var text = image.roll(1, 0).detach();
        var leaf = image.detach().requires_grad_();
        var loss = attempt(leaf, text, numbers.unsqueeze(0).eq(numbers.unsqueeze(1)).to(float32));
        if (loss.requires_grad) loss.backward();
        return [loss.ToDouble(), .. (leaf.grad ?? zeros_like(leaf)).data<float>().Select(value => (double)value)];
    }

    private static Tensor Descend(Tensor image, Tensor text, Func<Tensor, Tensor, Tensor> move, int steps = Updates)
    {
        var x = image;
        for (int i = 0; i < steps; i++)
        {
            x = x.detach().requires_grad_();
            var gradient = autograd.grad([ContrastiveLoss.WithTemperature(x, text, Temperature)], [x])[0];
            x = move(x, gradient).detach();
        }
        return x;
    }
}
