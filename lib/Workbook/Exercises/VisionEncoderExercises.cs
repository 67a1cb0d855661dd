using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 02: patches, class token and positions, a pre-norm block, attention rollout.</summary>
public static class VisionEncoderExercises
{
    /// <summary>An image, (3, R, R), and P → its patches row by row, each flattened colour by colour, (N - 1, 3 P²).</summary>
    public static Exercise<Func<Tensor, int, Tensor>> CutPatches { get; } = new()
    {
        Title = "Cut an image into patches",
        Reference = (image, patch) => Grid(image, patch).permute(1, 3, 0, 2, 4).reshape(-1, 3 * patch * patch),
        Cases =
        [
            new("an image (3, 4, 4) and patches of 2 × 2", f => f(arange(48, float32).reshape(3, 4, 4), 2)),
            new("an image (3, 9, 9) and patches of 3 × 3", f => f(Inputs.Normal(21, 3, 9, 9), 3)),
            new("an image (3, 8, 8) and patches of 4 × 4", f => f(Inputs.Normal(22, 3, 8, 8), 4)),
        ],
        Mistakes =
        [
            new("reshape alone", (image, patch) => image.reshape(-1, 3 * patch * patch), "You cut the memory, not the picture: whole rows of pixels follow each other there. Split both sides first, (3, g, P, g, P), then bring the two g to the front."),
            new("columns first", (image, patch) => Grid(image, patch).permute(3, 1, 0, 2, 4).reshape(-1, 3 * patch * patch), "Your patches go down the columns; they are counted along the rows, as one reads."),
            new("colours last", (image, patch) => Grid(image, patch).permute(1, 3, 2, 4, 0).reshape(-1, 3 * patch * patch), "Within a patch your three colours alternate pixel by pixel; conv1's weights, (D, 3, P, P), have all of red first, then green, then blue."),
            new("a patch transposed", (image, patch) => Grid(image, patch).permute(1, 3, 0, 4, 2).reshape(-1, 3 * patch * patch), "Each of your patches lies on its side: rows of pixels, P of them, come before columns."),
        ],
    };

    /// <summary>Patch embeddings, (B, N - 1, D), the class embedding, (D), and the positions, (N, D) → the tokens, (B, N, D).</summary>
    public static Exercise<Func<Tensor, Tensor, Tensor, Tensor>> Tokens { get; } = new()
    {
        Title = "Class token and positions",
        Reference = (patches, classEmbedding, positions) => cat([Repeated(classEmbedding, patches), patches], 1) + positions,
        Cases =
        [
            new("2 images of 4 patches, (2, 4, 6)", f => f(Inputs.Normal(23, 2, 4, 6), Inputs.Normal(24, 6), Inputs.Normal(25, 5, 6))),
            new("1 image of 9 patches, (1, 9, 4)", f => f(Inputs.Normal(26, 1, 9, 4), Inputs.Normal(27, 4), Inputs.Normal(28, 10, 4))),
        ],
        Mistakes =
        [
            new("class last", (patches, classEmbedding, positions) => cat([patches, Repeated(classEmbedding, patches)], 1) + positions, "Your class token stands last; it is token 0, and the first position belongs to it."),
            new("no position for the class", (patches, classEmbedding, positions) => cat([Repeated(classEmbedding, patches), patches + positions.narrow(0, 1, patches.shape[1])], 1), "Your class token has no position: add the positions after it has joined, all N of them."),
            new("patches one too early", (patches, classEmbedding, positions) => cat([Repeated(classEmbedding, patches), patches + positions.narrow(0, 0, patches.shape[1])], 1), "Your patches have the positions of their neighbours: position 0 is the class token's."),
            new("no positions", (patches, classEmbedding, _) => cat([Repeated(classEmbedding, patches), patches], 1), "The positions are missing: without them the blocks see a bag of patches."),
            new("no class token", (patches, _, positions) => patches + positions.narrow(0, 1, patches.shape[1]), "The class token is missing: N is the number of patches and one."),
        ],
    };

    /// <summary>x, (N, D), and the four parts of a block: norm 1, attention, norm 2, MLP → the block's output, (N, D).</summary>
    public static Exercise<Func<Tensor, Func<Tensor, Tensor>, Func<Tensor, Tensor>, Func<Tensor, Tensor>, Func<Tensor, Tensor>, Tensor>> Block { get; } = new()
    {
        Title = "A pre-norm block",
        Reference = (x, norm1, attention, norm2, mlp) =>
        {
            var y = x + attention(norm1(x));
            return y + mlp(norm2(y));
        },
        Cases =
        [
            new("5 tokens of width 8, (5, 8)", f => f(Inputs.Normal(31, 5, 8), Norm(2, 0.5), Attention, Norm(0.5, -1), Perceptron)),
            new("3 tokens of width 4, (3, 4)", f => f(3 * Inputs.Normal(32, 3, 4), Norm(1, 0), Attention, Norm(1.5, 0.25), Perceptron)),
        ],
        Mistakes =
        [
            new("post-norm", (x, norm1, attention, norm2, mlp) => PostNorm(x, norm1, attention, norm2, mlp), "You normalised the sums: that is post-norm, PyTorch's default and the paper of 2017. CLIP normalises what goes into attention and MLP, and leaves x alone."),
            new("no way past", (x, norm1, attention, norm2, mlp) => mlp(norm2(attention(norm1(x)))), "The residual connections are missing: what attention and MLP give is added to x."),
            new("normalised residual", (x, norm1, attention, norm2, mlp) => Added(Added(norm1(x), attention), norm2, mlp), "You normalised x itself: keep it as it is, and normalise only what attention and MLP are given."),
            new("side by side", (x, norm1, attention, norm2, mlp) => x + attention(norm1(x)) + mlp(norm2(x)), "Your MLP looks at the block's input; it comes second, and is to see what attention has added."),
            new("no norm", (x, _, attention, _, mlp) => Added(Added(x, attention), mlp), "Both normalisations are missing."),
        ],
    };

    /// <summary>Attention maps of all layers, (L, H, N, N), first layer first → attention rollout, (N, N) (Abnar and Zuidema 2020, section 3).</summary>
    public static Exercise<Func<Tensor, Tensor>> Rollout { get; } = new()
    {
        Title = "Attention rollout",
        Reference = maps => Rolled([.. maps.mean([1]).unbind(0).Select(HalfStay)]),
        Cases =
        [
            new("3 layers, 2 heads, 4 tokens, (3, 2, 4, 4)", f => f(Inputs.Normal(33, 3, 2, 4, 4).softmax(-1))),
            new("2 layers, 1 head, 5 tokens, (2, 1, 5, 5)", f => f((2 * Inputs.Normal(34, 2, 1, 5, 5)).softmax(-1))),
        ],
        Mistakes =
        [
            new("first layer on the left", maps => Rolled([.. maps.mean([1]).unbind(0).Select(HalfStay).Reverse()]), "Your product is the wrong way round: the last layer looks at what the layers before it have gathered, so it stands on the left."),
            new("no way past", maps => Rolled(maps.mean([1]).unbind(0)), "You left the residual connections out: a token also keeps itself. Mix each layer's map half and half with the identity."),
            new("not halved", maps => Rolled([.. maps.mean([1]).unbind(0).Select(map => map + eye(map.shape[0]))]), "With the identity added, rows sum to 2, and after L layers to 2 to the power of L: halve the sum."),
            new("last layer", maps => HalfStay(maps[-1].mean([0])), "That is the last layer alone: rollout multiplies the maps of all layers."),
            new("sum", maps => maps.mean([1]).mean([0]), "You averaged over the layers; what a token sees through two layers is a product of their maps."),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("02-vision-encoder", [CutPatches, Tokens, Block, Rollout]);

    private static Tensor Grid(Tensor image, int patch) => image.reshape(3, image.shape[1] / patch, patch, image.shape[2] / patch, patch);   // (3, g, P, g, P)

    private static Tensor Repeated(Tensor classEmbedding, Tensor patches) => classEmbedding.expand(patches.shape[0], 1, -1);                 // (B, 1, D)

    private static Func<Tensor, Tensor> Norm(double gain, double bias) => x => (functional.layer_norm(x, [x.shape[^1]]) * gain) + bias;

    private static Tensor Attention(Tensor x) => x.mm(x.t()).softmax(-1).mm(x);

    private static Tensor Perceptron(Tensor x) => functional.relu(x).roll(1, 1) - (0.3 * x);

    private static Tensor PostNorm(Tensor x, Func<Tensor, Tensor> norm1, Func<Tensor, Tensor> attention, Func<Tensor, Tensor> norm2, Func<Tensor, Tensor> mlp) =>
        norm2(Added(norm1(Added(x, attention)), mlp));

    private static Tensor Added(Tensor x, Func<Tensor, Tensor> part) => x + part(x);

    private static Tensor Added(Tensor x, Func<Tensor, Tensor> norm, Func<Tensor, Tensor> part)
    {
        var y = norm(x);
        return y + part(y);
    }

    private static Tensor HalfStay(Tensor map) => (map + eye(map.shape[0])) / 2;

    private static Tensor Rolled(Tensor[] maps) => maps.Aggregate((below, map) => map.mm(below));
}
