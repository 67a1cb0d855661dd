using ClipNotebooks.Clip.Checkpoints;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>
/// The exercises of lesson 06: from embeddings to probabilities, q, k and v apart, a parameter's other name, the first rung that diverges.
/// </summary>
public static class HuggingFaceExercises
{
    /// <summary>
    /// Embeddings as the towers give them, not normalised, (B, E) and (T, E); <c>logit_scale</c> as in the checkpoint, the logarithm of the
    /// scale; and the bias of a model that was trained with sigmoids, else null → the probabilities of the texts for each image, (B, T).
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, Tensor, double?, Tensor>> Probabilities { get; } = new()
    {
        Title = Lesson.In("From embeddings to probabilities", "임베딩에서 확률로"),
        Reference = (image, text, logScale, bias) => Said(logScale.exp() * Unit(image).mm(Unit(text).t()), bias),
        Cases =
        [
            new(Lesson.In(
                "2 images and 3 texts, (2, 8) and (3, 8), logit_scale ln 20, no bias",
                "이미지 2장과 글 3개, (2, 8)과 (3, 8), logit_scale ln 20, 편향 없음"),
                f => f(Inputs.Normal(61, 2, 8), 3 * Inputs.Normal(62, 3, 8), tensor((float)Math.Log(20)), null)),
            new(Lesson.In(
                "3 images and 2 texts, (3, 4) and (2, 4), logit_scale 0, no bias",
                "이미지 3장과 글 2개, (3, 4)와 (2, 4), logit_scale 0, 편향 없음"),
                f => f(5 * Inputs.Normal(63, 3, 4), Inputs.Normal(64, 2, 4), tensor(0f), null)),
            new(Lesson.In(
                "2 images and 3 texts, (2, 8) and (3, 8), logit_scale ln 10, bias −3",
                "이미지 2장과 글 3개, (2, 8)과 (3, 8), logit_scale ln 10, 편향 −3"),
                f => f(2 * Inputs.Normal(67, 2, 8), Inputs.Normal(68, 3, 8), tensor((float)Math.Log(10)), -3)),
        ],
        Mistakes =
        [
            new("not normalised", (image, text, logScale, bias) => Said(logScale.exp() * image.mm(text.t()), bias), Lesson.In(
                "You compared the embeddings at their own lengths: divide each by its L2 norm first, so that a product is a cosine.",
                "임베딩을 제 길이 그대로 견주었습니다. 먼저 저마다 L2 노름으로 나누어 곱이 코사인이 되게 하십시오.")),
            new("logarithm as scale", (image, text, logScale, bias) => Said(logScale * Cosines(image, text), bias), Lesson.In(
                "The checkpoint holds the logarithm of the scale: take exp() before you multiply.",
                "체크포인트에 있는 것은 스케일의 로그입니다. 곱하기 전에 exp()를 취하십시오.")),
            new("no scale", (image, text, _, bias) => Said(Cosines(image, text), bias), Lesson.In(
                "You left the scale out: a softmax over bare cosines is nearly flat.",
                "스케일을 빠뜨렸습니다. 코사인 그대로의 소프트맥스는 거의 평평합니다.")),
            new("divided", (image, text, logScale, bias) => Said(Cosines(image, text) / logScale.exp(), bias), Lesson.In(
                "You divided by the scale. A temperature divides, a scale multiplies.",
                "스케일로 나누었습니다. 나누는 것은 온도이고, 스케일은 곱합니다.")),
            new("over the images", (image, text, logScale, bias) => bias is { } b
                ? (logScale.exp() * Cosines(image, text) + b).sigmoid() : (logScale.exp() * Cosines(image, text)).softmax(0), Lesson.In(
                "Your columns sum to 1. Each image is to choose among the texts: softmax along dimension 1.",
                "열의 합이 1입니다. 이미지마다 글 가운데 하나를 골라야 하므로 소프트맥스는 차원 1을 따라갑니다.")),
            new("always a softmax", (image, text, logScale, bias) =>
                (logScale.exp() * Cosines(image, text) + (bias ?? 0)).softmax(1), Lesson.In(
                "A model with a bias judges every pair by itself: the sigmoid of each logit, and no softmax over the row.",
                "편향이 있는 모델은 쌍마다 따로 판단합니다. 행의 소프트맥스가 아니라 로짓마다의 시그모이드입니다.")),
            new("bias forgotten", (image, text, logScale, bias) => bias is null
                ? (logScale.exp() * Cosines(image, text)).softmax(1) : (logScale.exp() * Cosines(image, text)).sigmoid(), Lesson.In(
                "You left the bias out: it says how rare a pair is that belongs together, and is added before the sigmoid.",
                "편향을 빠뜨렸습니다. 맞는 쌍이 얼마나 드문지를 말하는 수이며, 시그모이드 앞에서 더합니다.")),
        ],
    };

    /// <summary>
    /// <c>in_proj_weight</c>, (3D, D), or <c>in_proj_bias</c>, (3D) → what Hugging Face calls q_proj, k_proj and v_proj, (D, D) or (D)
    /// each.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor[]>> SplitFused { get; } = new()
    {
        Title = Lesson.In("q, k and v apart", "q, k, v 나누기"),
        Reference = fused => fused.chunk(3, 0),
        Cases =
        [
            new(Lesson.In("a weight, (12, 4); compared as one tensor, (3, 4, 4)", "가중치 (12, 4), 한 텐서 (3, 4, 4)로 견줌"),
                f => stack(f(Inputs.Normal(65, 12, 4)))),
            new(Lesson.In("a bias, (12); compared as one tensor, (3, 4)", "편향 (12), 한 텐서 (3, 4)로 견줌"),
                f => stack(f(Inputs.Normal(66, 12)))),
        ],
        Mistakes =
        [
            new("every third row", fused => [.. Enumerable.Range(0, 3).Select(i => fused[TensorIndex.Slice(i, null, 3)])], Lesson.In(
                "You dealt the rows out in turn. They lie in three blocks: all of q, then all of k, then all of v.",
                "행을 차례로 돌려 가며 나누었습니다. 행은 세 덩어리로 놓여 있습니다. q 모두, k 모두, v 모두입니다.")),
            new("the columns", fused => fused.dim() == 1 ? fused.chunk(3, 0)
                : [.. fused.chunk(3, 0).Select(part => part.t())], Lesson.In(
                "Each of your weights is transposed. Hugging Face keeps these as they are: the two projections alone are transposed.",
                "가중치가 모두 전치되어 있습니다. Hugging Face는 이것들을 그대로 둡니다. 전치하는 것은 두 투영뿐입니다.")),
            new("k first", fused => [.. new[] { 1, 0, 2 }.Select(i => fused.chunk(3, 0)[i])], Lesson.In(
                "Your first two parts are exchanged: the order is q, k, v.", "앞의 두 부분이 바뀌었습니다. 차례는 q, k, v입니다.")),
            new("v first", fused => [.. fused.chunk(3, 0).Reverse()], Lesson.In(
                "Your order is v, k, q; q comes first.", "차례가 v, k, q입니다. q가 먼저입니다.")),
        ],
    };

    /// <summary>A Hugging Face name inside a block, other than q's, k's and v's → the same parameter's name in openai/CLIP.</summary>
    public static Exercise<Func<string, string>> Rename { get; } = new()
    {
        Title = Lesson.In("A parameter's other name", "매개변수의 다른 이름"),
        Reference = key => ParameterNames.Target(key, ParameterNaming.HuggingFace).Name,
        Cases = [.. new[]
        {
            "vision_model.encoder.layers.3.layer_norm1.weight", "text_model.encoder.layers.0.layer_norm2.bias",
            "vision_model.encoder.layers.11.self_attn.out_proj.weight", "text_model.encoder.layers.10.mlp.fc1.weight",
            "vision_model.encoder.layers.0.mlp.fc2.bias",
        }.Select(key => new ExerciseCase<Func<string, string>>(key, f => f(key)))],
        Mistakes =
        [
            new("a text prefix", key => Renamed(key, "text.", "visual."), Lesson.In(
                "The text tower has no prefix of its own in openai/CLIP: its blocks are called transformer.resblocks.",
                "openai/CLIP에서 텍스트 타워에는 앞머리가 없습니다. 블록의 이름은 transformer.resblocks입니다.")),
            new("no visual prefix", key => Renamed(key, "", ""), Lesson.In(
                "Both towers have the same names now: the image tower's begin with \"visual.\".",
                "두 타워의 이름이 같아졌습니다. 이미지 타워의 이름은 \"visual.\"로 시작합니다.")),
            new("the MLP forgotten", key => Renamed(key, "", "visual.").Replace("c_fc", "fc1", StringComparison.Ordinal)
                .Replace("c_proj", "fc2", StringComparison.Ordinal), Lesson.In(
                "The MLP's layers still have Hugging Face's names: fc1 is c_fc, fc2 is c_proj.",
                "MLP의 층이 아직 Hugging Face의 이름입니다. fc1은 c_fc, fc2는 c_proj입니다.")),
            new("the attention forgotten", key => Renamed(key, "", "visual.").Replace(".attn.", ".self_attn.", StringComparison.Ordinal),
                Lesson.In("The attention is still called self_attn: attn is its name here.", "어텐션이 아직 self_attn입니다. 여기서는 attn입니다.")),
        ],
    };

    /// <summary>
    /// The relative error at each rung (step of the forward pass), in order, and the tolerance of each → the index of the first rung that
    /// diverges; −1 if none does.
    /// </summary>
    public static Exercise<Func<double[], double[], int>> FirstDivergence { get; } = new()
    {
        Title = Lesson.In("The first rung that diverges", "처음으로 어긋난 칸"),
        Reference = (errors, allowed) => Enumerable.Range(0, errors.Length).FirstOrDefault(i => !(errors[i] <= allowed[i]), -1),
        Cases =
        [
            new(Lesson.In("errors 0, 2e-7, 3e-3, 9e-1", "오차 0, 2e-7, 3e-3, 9e-1"), f => f([0, 2e-7, 3e-3, 9e-1], [0, 1e-5, 1e-5, 1e-5])),
            new(Lesson.In("errors 0, 3e-7, 2e-6, all allowed", "오차 0, 3e-7, 2e-6, 모두 허용됨"), f => f([0, 3e-7, 2e-6], [0, 1e-5, 1e-5])),
            new(Lesson.In("errors 1e-7, NaN, 5e-2", "오차 1e-7, NaN, 5e-2"), f => f([1e-7, double.NaN, 5e-2], [1e-5, 1e-5, 1e-5])),
            new(Lesson.In("errors 3e-6 and 4e-5, of which 1e-6 and 5e-5 are allowed", "오차 3e-6과 4e-5, 허용은 1e-6과 5e-5"),
                f => f([3e-6, 4e-5], [1e-6, 5e-5])),
        ],
        Mistakes =
        [
            new("the largest", (errors, allowed) => Enumerable.Range(0, errors.Length).Where(i => !(errors[i] <= allowed[i]))
                .OrderByDescending(i => errors[i]).FirstOrDefault(-1), Lesson.In(
                "You chose the largest error. It is where the fault has grown; the fault itself is at the first rung that diverges.",
                "가장 큰 오차를 골랐습니다. 거기는 흠이 자란 곳이고, 흠 자체는 처음으로 어긋난 칸에 있습니다.")),
            new("a NaN passes", (errors, allowed) =>
                Array.FindIndex(errors, error => error > allowed[Array.IndexOf(errors, error)]), Lesson.In(
                "A NaN slipped through: each comparison with it is false. Ask whether the error is within the tolerance.",
                "NaN이 빠져나갔습니다. NaN과의 비교는 모두 거짓입니다. 오차가 허용 안에 있는지를 묻고 그 반대를 취하십시오.")),
            new("any error", (errors, _) => Array.FindIndex(errors, error => error != 0), Lesson.In(
                "You count every rounding error as a divergence: another order of sums changes last digits. Compare with what is allowed.",
                "반올림 오차를 모두 어긋남으로 셌습니다. 덧셈의 차례만 달라도 끝자리가 바뀝니다. 허용되는 값과 견주십시오.")),
            new("one tolerance", (errors, allowed) => Array.FindIndex(errors, error => !(error <= allowed[^1])), Lesson.In(
                "You used one tolerance for all: pixels come from integers and are allowed less than a block. Each rung has its own.",
                "모든 칸에 한 허용값을 썼습니다. 픽셀은 정수에서 오므로 블록보다 허용이 작습니다. 칸마다 제 허용값이 있습니다.")),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("06-hugging-face-weights", [Probabilities, SplitFused, Rename, FirstDivergence]);

    private static Tensor Unit(Tensor x) => functional.normalize(x, p: 2, dim: -1);

    private static Tensor Cosines(Tensor image, Tensor text) => Unit(image).mm(Unit(text).t());

    private static Tensor Said(Tensor logits, double? bias) => bias is { } b ? (logits + b).sigmoid() : logits.softmax(1);

    private static string Renamed(string key, string text, string visual) => key
        .Replace("text_model.encoder.layers", text + "transformer.resblocks", StringComparison.Ordinal)
        .Replace("vision_model.encoder.layers", visual + "transformer.resblocks", StringComparison.Ordinal)
        .Replace("layer_norm", "ln_", StringComparison.Ordinal).Replace("self_attn", "attn", StringComparison.Ordinal)
        .Replace("mlp.fc1", "mlp.c_fc", StringComparison.Ordinal).Replace("mlp.fc2", "mlp.c_proj", StringComparison.Ordinal);
}
