using ClipNotebooks.Clip.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 05: the learning rate's schedule, the clamp, what decays, and two steps with a bug.</summary>
public static class TrainingExercises
{
    private const int Updates = 4;
    private const double Rate = 0.5, Temperature = 0.2, Cold = 0.07;

    /// <summary>The step from 0, the steps of the warm-up, all steps, the peak → the learning rate: linear up to the peak, then half a cosine down to 0.</summary>
    public static Exercise<Func<int, int, int, double, double>> Schedule { get; } = new()
    {
        Title = "Warm-up and cosine",
        Reference = (step, warmup, steps, peak) => new TrainerOptions { Steps = steps, WarmupSteps = warmup, LearningRate = peak }.LearningRateAt(step),
        Cases =
        [
            new("step 0 of 100, 10 of them warm-up, peak 1", f => f(0, 10, 100, 1)),
            new("step 9, the warm-up's last", f => f(9, 10, 100, 1)),
            new("step 55, half way down", f => f(55, 10, 100, 1)),
            new("step 400 of 1000, 200 of them warm-up, peak 0.5", f => f(400, 200, 1000, 0.5)),
        ],
        Mistakes =
        [
            new("begins at zero", (step, warmup, steps, peak) => step < warmup ? peak * step / warmup : Cosine(step - warmup, steps - warmup, peak),
                "Step 0 would learn nothing: count the step that is being done, (step + 1) / warmup."),
            new("cosine of all steps", (step, warmup, steps, peak) => step < warmup ? peak * (step + 1) / warmup : Cosine(step, steps, peak),
                "The cosine begins where the warm-up ends: measure its progress from there, or the rate jumps."),
            new("whole cosine", (step, warmup, steps, peak) => step < warmup ? peak * (step + 1) / warmup : peak * 0.5 * (1 + Math.Cos(2 * Math.PI * (step - warmup) / (steps - warmup))),
                "A whole period comes back up to the peak at the end; half of one, π, ends at 0."),
            new("not halved", (step, warmup, steps, peak) => step < warmup ? peak * (step + 1) / warmup : peak * (1 + Math.Cos(Math.PI * (step - warmup) / (steps - warmup))),
                "1 + cos runs from 2 to 0: halve it."),
        ],
    };

    /// <summary>The parameter ln(1 / τ), a scalar, and the largest factor allowed on the logits → the parameter, kept in bounds.</summary>
    public static Exercise<Func<Tensor, double, Tensor>> Clamp { get; } = new()
    {
        Title = "The clamp of the scale",
        Reference = (logScale, largest) => logScale.clamp(max: Math.Log(largest)),
        Cases =
        [
            new("parameter 5, largest factor 100", f => f(tensor(5f), 100)),
            new("parameter 2.6593, which is in bounds", f => f(tensor(2.6593f), 100)),
            new("parameter 3, largest factor 10", f => f(tensor(3f), 10)),
        ],
        Mistakes =
        [
            new("clamped as a factor", (logScale, largest) => logScale.clamp(max: largest), "You compared the parameter with the factor; the parameter is its logarithm. e⁵ is over 100 already."),
            new("returned the factor", (logScale, largest) => logScale.exp().clamp(max: largest), "That is the factor. What the optimizer steps is the parameter: give back its logarithm."),
            new("as a floor", (logScale, largest) => logScale.clamp(min: Math.Log(largest)), "You made it a lower bound: the small values were lifted, and the large ones left alone."),
        ],
    };

    /// <summary>The number of dimensions of each of a model's parameters → 1 where weight decay applies, 0 where not.</summary>
    public static Exercise<Func<string[], int[], int[]>> Decay { get; } = new()
    {
        Title = "What decays",
        Reference = (_, dimensions) => [.. dimensions.Select(d => d >= 2 ? 1 : 0)],
        Cases =
        [
            new("conv1.weight, ln_pre.weight, ln_pre.bias, in_proj_weight, in_proj_bias", f => f(["conv1.weight", "ln_pre.weight", "ln_pre.bias", "attn.in_proj_weight", "attn.in_proj_bias"], [4, 1, 1, 2, 1])),
            new("token_embedding.weight, positional_embedding, text_projection, logit_scale", f => f(["token_embedding.weight", "positional_embedding", "text_projection", "logit_scale"], [2, 2, 2, 0])),
        ],
        Mistakes =
        [
            new("everything", (names, _) => [.. names.Select(_ => 1)], "Everything decays in yours: gains, biases and the scale would be pulled to 0 as well, where none of them belongs."),
            new("by name", (names, _) => [.. names.Select(name => name.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0)],
                "You went by the name. A LayerNorm's gain is called weight too, and a projection need not be: the number of dimensions tells them apart."),
            new("matrices alone", (_, dimensions) => [.. dimensions.Select(d => d == 2 ? 1 : 0)], "A convolution's kernel has four dimensions, and decays as a matrix does."),
        ],
    };

    /// <summary>
    /// Images and captions, (B, E) each, rows of length 1 → the images after four steps of gradient descent on the contrastive loss, at temperature 0.2 and rate 0.5, the captions held fast.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, Tensor>> Step { get; } = new()
    {
        Title = "The step that remembers",
        Reference = (image, text) => Descend(image, text, (x, gradient) => x - (gradient * Rate)),
        Cases =
        [
            new("3 pairs (3, 4)", f => f(Inputs.Unit(51, 3, 4), Inputs.Unit(52, 3, 4))),
            new("5 pairs (5, 8)", f => f(Inputs.Unit(53, 5, 8), Inputs.Unit(54, 5, 8))),
        ],
        Mistakes =
        [
            new("gradients pile up", (image, text) =>
            {
                var sum = zeros_like(image);
                return Descend(image, text, (x, gradient) => x - ((sum = sum + gradient) * Rate));
            }, "That is what the code above does: nothing sets the gradient back to zero, so each step repeats all the earlier ones. zero_grad comes before backward."),
            new("uphill", (image, text) => Descend(image, text, (x, gradient) => x + (gradient * Rate)), "You went along the gradient, uphill: the loss grows. Descent subtracts it."),
            new("one step", (image, text) => Descend(image, text, (x, gradient) => x - (gradient * Rate), 1), "One step was made; four were asked for."),
            new("one gradient for all", (image, text) =>
            {
                Tensor? first = null;
                return Descend(image, text, (x, gradient) => x - ((first ??= gradient) * Rate));
            }, "Each step used the first gradient. The loss is curved: compute it again where you stand."),
        ],
    };

    /// <summary>
    /// Images and captions, (B, E) each, rows of length 1, and which pairs show the same thing, (B, B) of 0 and 1 → the loss both ways at temperature 0.07, its targets shared evenly among such pairs. The
    /// check looks at the loss and at the gradient that reaches the images.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, Tensor, Tensor>> SoftTargets { get; } = new()
    {
        Title = "The exam that writes itself",
        Reference = (image, text, same) => SharedLoss(image, text, same / same.sum(dim: 1, keepdim: true)),
        Cases =
        [
            new("4 pairs (4, 8), the first two of the same thing, loss and gradient", f => LossAndGradient(f, Inputs.Unit(55, 4, 8), 0, 0, 1, 2)),
            new("6 pairs (6, 8), three of one thing and two of another, loss and gradient", f => LossAndGradient(f, Inputs.Unit(56, 6, 8), 0, 1, 0, 2, 1, 0)),
            new("3 pairs (3, 8), nearly collapsed into one vector, loss and gradient", f => LossAndGradient(f, nn.functional.normalize(Inputs.Unit(57, 1, 8) + (0.02 * Inputs.Normal(58, 3, 8)), dim: 1), 0, 1, 2)),
        ],
        Mistakes =
        [
            new("the model's own targets", (image, text, _) => SharedLoss(image, text, Own(image, text)),
                "That is the code above: the model still writes its own targets. Where all vectors are one, the targets are even, so are the predictions, and nothing pushes them apart. Make the targets from same, which the model cannot change."),
            new("its own targets, detached", (image, text, _) => SharedLoss(image, text, Own(image, text).detach()),
                "Cutting the targets' gradient is not enough: their values still come from the embeddings, and vectors that lie together ask to stay together. Make the targets from same."),
            new("rows that sum to two", (image, text, same) => SharedLoss(image, text, same),
                "A row with two right captions counts twice in yours: divide each row of same by its sum, so that the targets are probabilities."),
            new("the diagonal alone", (image, text, same) => SharedLoss(image, text, eye(same.shape[0])),
                "That is the plain loss: it asks to tell apart what shows the same thing. Where same holds 1, both captions are right."),
            new("images alone", (image, text, same) => -(same / same.sum(dim: 1, keepdim: true) * (image.mm(text.t()) / Cold).log_softmax(1)).sum(dim: 1).mean(),
                "Half of it is missing: the captions look for their images as well, along the columns."),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("05-training", [Schedule, Clamp, Decay, Step, SoftTargets]);

    private static double Cosine(int step, int steps, double peak) => peak * 0.5 * (1 + Math.Cos(Math.PI * step / steps));

    /// <summary>The mistake of lesson 05: captions and images are alike as far as the model finds them so.</summary>
    private static Tensor Own(Tensor image, Tensor text) => ((image.mm(image.t()) + text.mm(text.t())) / 2).softmax(1);

    private static Tensor SharedLoss(Tensor image, Tensor text, Tensor targets)
    {
        var logits = image.mm(text.t()) / Cold;
        return -((targets * logits.log_softmax(1)).sum(dim: 1).mean() + (targets * logits.t().log_softmax(1)).sum(dim: 1).mean()) / 2;
    }

    /// <summary>The captions' vectors are the images', the next one's each; pairs with the same number show the same thing.</summary>
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
