using ClipNotebooks.Clip.Checkpoints;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 06: from embeddings to probabilities, q, k and v apart, a parameter's other name, the first rung that diverges.</summary>
public static class HuggingFaceExercises
{
    /// <summary>Embeddings as the towers give them, (B, E) and (T, E), not normalised, and <c>logit_scale</c> as the checkpoint has it, the logarithm of the scale → probabilities of the texts for each image, (B, T).</summary>
    public static Exercise<Func<Tensor, Tensor, Tensor, Tensor>> Probabilities { get; } = new()
    {
        Title = "From embeddings to probabilities",
        Reference = (image, text, logitScale) => (logitScale.exp() * Unit(image).mm(Unit(text).t())).softmax(1),
        Cases =
        [
            new("2 images and 3 texts, (2, 8) and (3, 8), logit_scale ln 20", f => f(Inputs.Normal(61, 2, 8), 3 * Inputs.Normal(62, 3, 8), tensor((float)Math.Log(20)))),
            new("3 images and 2 texts, (3, 4) and (2, 4), logit_scale 0", f => f(5 * Inputs.Normal(63, 3, 4), Inputs.Normal(64, 2, 4), tensor(0f))),
        ],
        Mistakes =
        [
            new("not normalised", (image, text, logitScale) => (logitScale.exp() * image.mm(text.t())).softmax(1), "You compared the embeddings at their own lengths: divide each by its L2 norm first, so that a product is a cosine."),
            new("logarithm as scale", (image, text, logitScale) => (logitScale * Unit(image).mm(Unit(text).t())).softmax(1), "The checkpoint holds the logarithm of the scale: take exp() before you multiply."),
            new("no scale", (image, text, _) => Unit(image).mm(Unit(text).t()).softmax(1), "You left the scale out: a softmax over bare cosines is nearly flat."),
            new("divided", (image, text, logitScale) => (Unit(image).mm(Unit(text).t()) / logitScale.exp()).softmax(1), "You divided by the scale. A temperature divides, a scale multiplies."),
            new("over the images", (image, text, logitScale) => (logitScale.exp() * Unit(image).mm(Unit(text).t())).softmax(0), "Your columns sum to 1. Each image is to choose among the texts: softmax along dimension 1."),
        ],
    };

    /// <summary><c>in_proj_weight</c>, (3D, D), or <c>in_proj_bias</c>, (3D) → what Hugging Face calls q_proj, k_proj and v_proj, (D, D) or (D) each.</summary>
    public static Exercise<Func<Tensor, Tensor[]>> SplitFused { get; } = new()
    {
        Title = "q, k and v apart",
        Reference = fused => fused.chunk(3, 0),
        Cases =
        [
            new("a weight, (12, 4); compared as one tensor, (3, 4, 4)", f => stack(f(Inputs.Normal(65, 12, 4)))),
            new("a bias, (12); compared as one tensor, (3, 4)", f => stack(f(Inputs.Normal(66, 12)))),
        ],
        Mistakes =
        [
            new("every third row", fused => [.. Enumerable.Range(0, 3).Select(i => fused[TensorIndex.Slice(i, null, 3)])], "You dealt the rows out in turn. They lie in three blocks: all of q, then all of k, then all of v."),
            new("the columns", fused => fused.dim() == 1 ? fused.chunk(3, 0) : [.. fused.chunk(3, 0).Select(part => part.t())],
                "Each of your weights is transposed. Hugging Face keeps these as they are: the two projections alone are transposed."),
            new("k first", fused => [.. new[] { 1, 0, 2 }.Select(i => fused.chunk(3, 0)[i])], "Your first two parts are exchanged: the order is q, k, v."),
            new("v first", fused => [.. fused.chunk(3, 0).Reverse()], "Your order is v, k, q; q comes first."),
        ],
    };

    /// <summary>A Hugging Face name inside a block, other than q's, k's and v's → the same parameter's name in openai/CLIP.</summary>
    public static Exercise<Func<string, string>> Rename { get; } = new()
    {
        Title = "A parameter's other name",
        Reference = key => ParameterNames.Target(key, ParameterNaming.HuggingFace).Name,
        Cases = [.. new[]
        {
            "vision_model.encoder.layers.3.layer_norm1.weight", "text_model.encoder.layers.0.layer_norm2.bias", "vision_model.encoder.layers.11.self_attn.out_proj.weight",
            "text_model.encoder.layers.10.mlp.fc1.weight", "vision_model.encoder.layers.0.mlp.fc2.bias",
        }.Select(key => new ExerciseCase<Func<string, string>>(key, f => f(key)))],
        Mistakes =
        [
            new("a text prefix", key => Renamed(key, "text.", "visual."), "The text tower has no prefix of its own in openai/CLIP: its blocks are called transformer.resblocks."),
            new("no visual prefix", key => Renamed(key, "", ""), "Both towers have the same names now: the image tower's begin with \"visual.\"."),
            new("the MLP forgotten", key => Renamed(key, "", "visual.").Replace("c_fc", "fc1", StringComparison.Ordinal).Replace("c_proj", "fc2", StringComparison.Ordinal), "The MLP's layers still have Hugging Face's names: fc1 is c_fc, fc2 is c_proj."),
            new("the attention forgotten", key => Renamed(key, "", "visual.").Replace(".attn.", ".self_attn.", StringComparison.Ordinal), "The attention is still called self_attn: attn is its name here."),
        ],
    };

    /// <summary>The relative error at each rung, in the order of the forward, and what is allowed at each → the index of the first rung that diverges; −1 where none does.</summary>
    public static Exercise<Func<double[], double[], int>> FirstDivergence { get; } = new()
    {
        Title = "The first rung that diverges",
        Reference = (errors, allowed) => Enumerable.Range(0, errors.Length).FirstOrDefault(i => !(errors[i] <= allowed[i]), -1),
        Cases =
        [
            new("errors 0, 2e-7, 3e-3, 9e-1", f => f([0, 2e-7, 3e-3, 9e-1], [0, 1e-5, 1e-5, 1e-5])),
            new("errors 0, 3e-7, 2e-6, all allowed", f => f([0, 3e-7, 2e-6], [0, 1e-5, 1e-5])),
            new("errors 1e-7, NaN, 5e-2", f => f([1e-7, double.NaN, 5e-2], [1e-5, 1e-5, 1e-5])),
            new("errors 3e-6 and 4e-5, of which 1e-6 and 5e-5 are allowed", f => f([3e-6, 4e-5], [1e-6, 5e-5])),
        ],
        Mistakes =
        [
            new("the largest", (errors, allowed) => Enumerable.Range(0, errors.Length).Where(i => !(errors[i] <= allowed[i])).OrderByDescending(i => errors[i]).FirstOrDefault(-1),
                "You chose the largest error. It is where the fault has grown; the fault itself is at the first rung that diverges."),
            new("a NaN passes", (errors, allowed) => Array.FindIndex(errors, error => error > allowed[Array.IndexOf(errors, error)]), "A NaN slipped through: every comparison with it is false. Ask whether the error is within the tolerance, and take the opposite."),
            new("any error", (errors, _) => Array.FindIndex(errors, error => error != 0), "You count every rounding error as a divergence: another order of summation changes the last digits. Compare with what is allowed."),
            new("one tolerance", (errors, allowed) => Array.FindIndex(errors, error => !(error <= allowed[^1])), "You used one tolerance for all: pixels come from integers and are allowed less than a block. Each rung has its own."),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("06-hugging-face-weights", [Probabilities, SplitFused, Rename, FirstDivergence]);

    private static Tensor Unit(Tensor x) => functional.normalize(x, p: 2, dim: -1);

    private static string Renamed(string key, string text, string visual) => key
        .Replace("text_model.encoder.layers", text + "transformer.resblocks", StringComparison.Ordinal).Replace("vision_model.encoder.layers", visual + "transformer.resblocks", StringComparison.Ordinal)
        .Replace("layer_norm", "ln_", StringComparison.Ordinal).Replace("self_attn", "attn", StringComparison.Ordinal)
        .Replace("mlp.fc1", "mlp.c_fc", StringComparison.Ordinal).Replace("mlp.fc2", "mlp.c_proj", StringComparison.Ordinal);
}
