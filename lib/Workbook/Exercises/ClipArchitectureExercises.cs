using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 01: the way from the encoders to the logits, and what the temperature means.</summary>
public static class ClipArchitectureExercises
{
    /// <summary>Features, (N, D) and (M, D'), their projections, (D, E) and (D', E), and ln(1 / τ) → logits per text, (M, N).</summary>
    public static Exercise<Func<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>> Head { get; } = new()
    {
        Title = Lesson.In("From features to logits", "특징에서 로짓까지"),
        Reference = (image, text, imageProjection, textProjection, logScale) =>
            logScale.exp() * Unit(text.mm(textProjection)).mm(Unit(image.mm(imageProjection)).t()),
        Cases =
        [
            new(Lesson.In(
                "4 images and 6 captions, features (4, 7) and (6, 5), E = 3, the first temperature",
                "이미지 4장과 캡션 6개, 특징 (4, 7)과 (6, 5), E = 3, 처음 온도"), f => Apply(f, 4, 6, 2.6593f)),
            new(Lesson.In(
                "5 images and 5 captions, features (5, 7) and (5, 5), E = 3, the last temperature",
                "이미지 5장과 캡션 5개, 특징 (5, 7)과 (5, 5), E = 3, 마지막 온도"), f => Apply(f, 5, 5, 4.6052f)),
        ],
        Mistakes =
        [
            new("per image", (i, t, wi, wt, s) => s.exp() * Unit(i.mm(wi)).mm(Unit(t.mm(wt)).t()), Lesson.In(
                "Those are the logits per image: their rows are images. Per text is the transpose.",
                "그것은 이미지별 로짓이고 행이 이미지입니다. 텍스트별은 그 전치입니다.")),
            new("not normalised", (i, t, wi, wt, s) => s.exp() * t.mm(wt).mm(i.mm(wi).t()), Lesson.In(
                "Your rows are not of length 1: these are no cosines. Divide each row by its norm after the projection.",
                "행의 길이가 1이 아니어서 코사인이 아닙니다. 투영한 다음 각 행을 그 길이로 나누십시오.")),
            new("normalised too early", (i, t, wi, wt, s) => s.exp() * Unit(t).mm(wt).mm(Unit(i).mm(wi).t()), Lesson.In(
                "You normalised the features; the projection then stretches them again. Project first.",
                "특징을 정규화했습니다. 그 뒤의 투영이 다시 늘입니다. 먼저 투영하십시오.")),
            new("scale as a divisor", (i, t, wi, wt, s) => Unit(t.mm(wt)).mm(Unit(i.mm(wi)).t()) / s.exp(), Lesson.In(
                "exp(logit_scale) is a factor, 1 / τ. Dividing by it makes the logits about 200 times too small: the document's slip.",
                "exp(logit_scale)은 곱하는 수 1 / τ입니다. 이것으로 나누면 로짓이 200배쯤 작아집니다. 문서의 실수가 그것입니다.")),
            new("no exponential", (i, t, wi, wt, s) => s * Unit(t.mm(wt)).mm(Unit(i.mm(wi)).t()), Lesson.In(
                "The parameter is the logarithm of the scale: take its exponential, so that the factor can never become negative.",
                "매개변수는 스케일의 로그입니다. 지수함수 값을 취하십시오. 그래야 곱하는 수가 음수가 될 수 없습니다.")),
        ],
    };

    /// <summary>
    /// A function from a batch, (B, D), to embeddings, (B, E), and a batch → whether a row's embedding depends on the other rows.
    /// </summary>
    public static Exercise<Func<Func<Tensor, Tensor>, Tensor, bool>> Leaks { get; } = new()
    {
        Title = Lesson.In("Does the batch leak?", "배치가 새는가?"),
        Reference = (encode, batch) =>
        {
            var together = encode(batch);
            return Enumerable.Range(0, (int)batch.shape[0]).Any(i => Differ(encode(batch[i..(i + 1)]), together[i..(i + 1)]));
        },
        Cases =
        [
            new(Lesson.In("an encoder that divides each row by its length, a batch (4, 5)", "행마다 길이로 나누는 인코더, 배치 (4, 5)"),
                f => f(Unit, Inputs.Normal(15, 4, 5))),
            new(Lesson.In("an encoder that divides each column by its length, a batch (4, 5)", "열마다 길이로 나누는 인코더, 배치 (4, 5)"),
                f => f(x => functional.normalize(x, p: 2, dim: 0), Inputs.Normal(16, 4, 5))),
            new(Lesson.In("an encoder that adds to each row the row before it, a batch (3, 5)", "행마다 그 앞의 행을 더하는 인코더, 배치 (3, 5)"),
                f => f(x => x + cat([zeros(1, 5), x[..^1]]), Inputs.Normal(17, 3, 5))),
        ],
        Mistakes =
        [
            new("never", (_, _) => false, Lesson.In(
                "Dividing a column by its length mixes the batch: encode a row alone, and compare it with the same row among the others.",
                "열을 그 길이로 나누면 배치가 섞입니다. 한 행만 인코딩해서, 다른 행들과 함께 인코딩한 그 행과 견주십시오.")),
            new("first row only", (encode, batch) => Differ(encode(batch[..1]), encode(batch)[..1]), Lesson.In(
                "You tried the first row alone. A leak may show in any row: try each.",
                "첫 행만 시험했습니다. 어느 행에서든 샐 수 있으니 모든 행을 시험하십시오.")),
            new("always", (_, _) => true, Lesson.In(
                "An encoder that treats each row by itself does not leak: its row is the same, alone or among others.",
                "행마다 따로 다루는 인코더는 새지 않습니다. 혼자 있든 함께 있든 그 행은 같습니다.")),
        ],
    };

    /// <summary>
    /// The learned parameter ln(1 / τ) and a probability p → by how much a cosine must be above its only rival for a softmax to give it p.
    /// </summary>
    public static Exercise<Func<double, double, double>> CosineLead { get; } = new()
    {
        Title = Lesson.In("How large a lead in cosine?", "코사인이 얼마나 앞서야 하는가?"),
        Reference = (logScale, p) => Math.Log(p / (1 - p)) * Math.Exp(-logScale),
        Cases =
        [
            new(Lesson.In("ln(1 / 0.07), where training starts, and 90 %", "학습이 시작되는 ln(1 / 0.07), 90 %"), f => f(Math.Log(1 / 0.07), 0.9)),
            new(Lesson.In("ln(100), where the scale is clamped, and 90 %", "스케일이 막히는 ln(100), 90 %"), f => f(Math.Log(100), 0.9)),
            new(Lesson.In("ln(100) and 50 %", "ln(100), 50 %"), f => f(Math.Log(100), 0.5)),
        ],
        Tolerance = 1e-6,
        Mistakes =
        [
            new("lead in logits", (_, p) => Math.Log(p / (1 - p)), Lesson.In(
                "That is the lead in logits. A logit is a cosine times the scale: divide.",
                "그것은 로짓에서 앞서야 할 크기입니다. 로짓은 코사인에 스케일을 곱한 것이므로 나누십시오.")),
            new("multiplied", (logScale, p) => Math.Log(p / (1 - p)) * Math.Exp(logScale), Lesson.In(
                "You multiplied by the scale: the larger the scale, the smaller the lead that is needed.",
                "스케일을 곱했습니다. 스케일이 클수록 필요한 차이는 작아집니다.")),
            new("by the logarithm", (logScale, p) => Math.Log(p / (1 - p)) / logScale, Lesson.In(
                "You divided by the parameter itself. It is the logarithm of the scale: take its exponential first.",
                "매개변수 그대로 나누었습니다. 그것은 스케일의 로그이므로 먼저 지수함수 값을 취하십시오.")),
            new("rival forgotten", (logScale, p) => Math.Log(p) * Math.Exp(-logScale), Lesson.In(
                "ln p is a log-probability. The lead is the difference of two logits: ln p minus the rival's, ln(1 − p).",
                "ln p는 로그 확률입니다. 앞선 크기는 두 로짓의 차이, 곧 ln p에서 경쟁자의 ln(1 − p)를 뺀 것입니다.")),
        ],
    };

    /// <summary>Widths of the two encoders and of the shared space → the parameters that <c>SimpleCLIP</c> adds to its encoders.</summary>
    public static Exercise<Func<long, long, long, long>> HeadParameters { get; } = new()
    {
        Title = Lesson.In("What SimpleCLIP adds to its encoders", "SimpleCLIP이 인코더에 더하는 것"),
        Reference = (visionWidth, textWidth, embeddingWidth) => ((visionWidth + textWidth) * embeddingWidth) + 1,
        Cases =
        [
            new(Lesson.In("ViT-B/32: widths 768 and 512, shared space 512", "ViT-B/32: 폭 768과 512, 공유 공간 512"), f => f(768, 512, 512)),
            new(Lesson.In("ViT-L/14: widths 1024 and 768, shared space 768", "ViT-L/14: 폭 1024와 768, 공유 공간 768"), f => f(1024, 768, 768)),
        ],
        Tolerance = 1e-9,
        Mistakes =
        [
            new("no temperature", (v, t, e) => (v + t) * e, Lesson.In(
                "One is missing: the temperature is a parameter too.", "하나가 모자랍니다. 온도도 매개변수입니다.")),
            new("with biases", (v, t, e) => ((v + 1) * e) + ((t + 1) * e) + 1, Lesson.In(
                "You counted biases; both projections are made with bias: false.", "편향을 셌습니다. 두 투영은 bias: false로 만들어집니다.")),
            new("one projection", (v, t, e) => (v * e) + 1, Lesson.In(
                "You counted the image projection only; captions are projected too.", "이미지 투영만 셌습니다. 캡션도 투영됩니다.")),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("01-clip-architecture", [Head, Leaks, CosineLead, HeadParameters]);

    private static Tensor Apply(Func<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> head, long images, long texts, float logScale) => head(
        Inputs.Normal(11, images, 7), Inputs.Normal(12, texts, 5), Inputs.Normal(13, 7, 3), Inputs.Normal(14, 5, 3), tensor(logScale));

    private static Tensor Unit(Tensor x) => functional.normalize(x, p: 2, dim: -1);

    private static bool Differ(Tensor a, Tensor b) => (a - b).abs().max().ToDouble() > 1e-5;
}
