using ClipNotebooks.Clip.Models;
using ClipNotebooks.Workbook.Exercises;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Tests.Exercises;

/// <summary>What the exercises ask for is what the library's tower does.</summary>
public sealed class VisionEncoderExercisesTests
{
    // float32 sums of up to 192 terms, in another order than the library's kernels.
    private const double Tolerance = 1e-5;

    [Fact]
    public void Patches_class_token_and_positions_are_the_towers()
    {
        using var scope = NewDisposeScope();
        using var tower = Tower();
        var pixels = rand(2, 3, 16, 16);
        var patches = stack([.. pixels.unbind(0).Select(image => VisionEncoderExercises.CutPatches.Reference(image, 8))]);   // (2, 4, 192)
        var embedded = functional.linear(patches, tower.get_parameter("conv1.weight")!.flatten(1));
        Near(tower.EmbedPatches(pixels), embedded);
        var tokens = VisionEncoderExercises.Tokens.Reference(embedded, tower.get_parameter("class_embedding")!, tower.get_parameter("positional_embedding")!);
        Near(tower.Embed(pixels), functional.layer_norm(tokens, [32]));                      // the gains of a fresh tower are 1, its biases 0
    }

    [Fact]
    public void The_block_is_the_towers_block()
    {
        using var scope = NewDisposeScope();
        using var tower = Tower();
        var block = tower.Transformer.Blocks[0];
        var x = randn(1, 5, 32);
        Func<Tensor, Tensor> Part(string name) => ((Module<Tensor, Tensor>)block.named_children().Single(child => child.name == name).module).call;
        Near(block.call(x), VisionEncoderExercises.Block.Reference(x, Part("ln_1"), Part("attn"), Part("ln_2"), Part("mlp")));
    }

    [Fact]
    public void The_rollout_of_even_attention_is_even_beside_what_stays()
    {
        using var scope = NewDisposeScope();
        // Each of two layers leaves half and spreads half: a quarter stays in place, three quarters are spread over four tokens.
        var rolled = VisionEncoderExercises.Rollout.Reference(full([2, 3, 4, 4], 0.25f));
        Near((eye(4) * 0.25) + (0.75 / 4), rolled);
    }

    private static VisionTransformer Tower()
    {
        manual_seed(5);
        return new VisionTransformer(new ClipConfig
        {
            Vision = new() { ImageSize = 16, PatchSize = 8, Width = 32, Layers = 1, Heads = 2 },
            Text = new() { Width = 32, Layers = 1, Heads = 2 },
            EmbeddingWidth = 32,
        });
    }

    private static void Near(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().max().ToDouble(), 0, Tolerance);
    }
}
