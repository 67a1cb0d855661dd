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
    public void The_shares_of_all_heads_add_up_to_the_towers_attention()
    {
        using var scope = NewDisposeScope();
        using var tower = Tower();
        var attention = (Module<Tensor, Tensor>)tower.Transformer.Blocks[0].named_children().Single(child => child.name == "attn").module;
        var parameters = attention.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        foreach (var (name, parameter) in parameters)
            if (name.EndsWith("bias", StringComparison.Ordinal)) parameter.requires_grad_(false).zero_();
        var x = randn(5, 32);
        var shares = Enumerable.Range(0, 2).Select(head =>
            VisionEncoderExercises.OneHead.Reference(x, parameters["in_proj_weight"], parameters["out_proj.weight"], 2, head));
        Near(attention.call(x.unsqueeze(0))[0], shares.Aggregate((a, b) => a + b));
    }

    [Fact]
    public void A_layer_that_the_norm_was_folded_into_gives_what_both_gave()
    {
        using var scope = NewDisposeScope();
        var (gain, bias, weight, offset, x) = (randn(8), randn(8), randn(3, 8), randn(3), randn(4, 8));
        var (folded, foldedOffset) = VisionEncoderExercises.FoldNorm.Reference(gain, bias, weight, offset);
        Near(functional.linear(functional.layer_norm(x, [8], gain, bias), weight, offset),
            functional.linear(functional.layer_norm(x, [8]), folded, foldedOffset));
    }

    [Fact]
    public void Positions_keep_their_class_token_and_a_slope_from_side_to_side()
    {
        using var scope = NewDisposeScope();
        // The square's numbers are their columns, 0 to 3, so those of the halved grid lie between them: 0.5 and 2.5.
        var positions = cat([full([1, 1], 9f), arange(4, float32).repeat(4).unsqueeze(1)]);
        Near(tensor(new[] { 9f, 0.5f, 2.5f, 0.5f, 2.5f }).unsqueeze(1), VisionEncoderExercises.ResizePositions.Reference(positions, 2));
    }

    [Fact]
    public void The_rollout_of_even_attention_is_even_beside_what_stays()
    {
        using var scope = NewDisposeScope();
        // Each of two layers leaves half and spreads half: a quarter stays in place, three quarters are spread over four tokens.
        var rolled = VisionEncoderExercises.ClassRollout.Reference(full([2, 3, 4, 4], 0.25f));
        Near((eye(4)[0] * 0.25) + (0.75 / 4), rolled);
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
