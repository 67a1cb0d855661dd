using ClipNotebooks.Clip.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Models;

/// <summary>
/// Compared with the formula evaluated here in double, number by number: PyTorch's bicubic interpolation (a = -0.75, pixel centres at
/// halves, no antialiasing, borders repeated) of the grid of patches, which is what Hugging Face's <c>interpolate_pos_encoding</c> asks
/// for. There are no recorded numbers for it.
/// </summary>
public sealed class PositionEmbeddingTests
{
    [Theory]
    [InlineData(4, 6, 6)]
    [InlineData(4, 3, 3)]
    [InlineData(3, 5, 2)]
    [InlineData(7, 12, 24)]
    public void Interpolated_positions_are_those_of_the_formula(int grid, int height, int width)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(7);
        var positions = randn(1 + grid * grid, 5);
        var actual = PositionEmbedding.Interpolate(positions, 1, height, width);
        Assert.True(positions[0].equal(actual[0]).all().item<bool>());
        // float32 rounding of some sixteen products.
        Close.Relative(Formula(positions.narrow(0, 1, grid * grid), grid, height, width), actual.narrow(0, 1, height * width), 1e-6);
    }

    [Fact]
    public void A_model_at_its_own_resolution_is_not_changed_and_at_another_it_uses_the_interpolated_positions()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var reference = new ReferenceModel("vit_p8_i32");
        var tower = reference.Model.Visual;
        tower.InterpolatePositions = true;
        Close.Relative(reference.Outputs["encode_image"], reference.Model.EncodeImage(reference.Inputs["images"]), 1e-5);

        // 5 × 7 patches; the 3 pixels past the last row and the 1 past the last column belong to none.
        var pixels = randn(2, 3, 43, 57);
        var state = tower.state_dict();
        var patches = tower.EmbedPatches(pixels.narrow(2, 0, 40).narrow(3, 0, 56));
        var positions = cat([state["positional_embedding"][0].unsqueeze(0),
            Formula(state["positional_embedding"].narrow(0, 1, 16), 4, 5, 7).to(float32)], 0);
        var tokens = cat([state["class_embedding"].expand(2, 1, -1), patches], 1) + positions;
        var expected = nn.functional.layer_norm(tokens, [128], state["ln_pre.weight"], state["ln_pre.bias"], 1e-5);
        Close.Relative(expected, tower.Embed(pixels), 1e-5);
        Assert.Equal([2L, 64], reference.Model.EncodeImage(pixels).shape);
    }

    [Fact]
    public void Other_sizes_are_refused_until_asked_for_and_less_than_a_patch_always()
    {
        using var scope = NewDisposeScope();
        using var reference = new ReferenceModel("vit_p8_i32");
        Assert.Contains("(1, 3, 40, 40)", Assert.Throws<ArgumentException>(() => reference.Model.EncodeImage(zeros(1, 3, 40, 40))).Message,
            StringComparison.Ordinal);
        reference.Model.Visual.InterpolatePositions = true;
        Assert.Contains("at least one patch (8 pixels)",
            Assert.Throws<ArgumentException>(() => reference.Model.EncodeImage(zeros(1, 3, 40, 7))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Interpolation_lets_the_gradient_through()
    {
        using var scope = NewDisposeScope();
        var positions = randn(10, 4, requires_grad: true);
        PositionEmbedding.Interpolate(positions, 1, 5, 5).sum().backward();
        Close.Relative(ones(4), positions.grad![0], 1e-6);
        Assert.True(positions.grad.abs().min().ToDouble() > 0);
    }

    private static Tensor Formula(Tensor positions, int grid, int height, int width)
    {
        double[] source = [.. positions.to(float64).data<double>()];
        int D = source.Length / (grid * grid);
        var result = new double[height * width * D];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                foreach (var (row, vertical) in Taps(y, height, grid))
                    foreach (var (column, horizontal) in Taps(x, width, grid))
                        for (int d = 0; d < D; d++) result[(y * width + x) * D +
                            d] += vertical * horizontal * source[(row * grid + column) * D + d];
        return tensor(result, [height * width, D]);
    }

    private static IEnumerable<(int Index, double Weight)> Taps(int to, int toSize, int fromSize)
    {
        double at = (to + 0.5) * fromSize / toSize - 0.5;
        int floor = (int)Math.Floor(at);
        for (int i = floor - 1; i <= floor + 2; i++) yield return (Math.Clamp(i, 0, fromSize - 1), Cubic(Math.Abs(at - i)));
    }

    private static double Cubic(double x)
    {
        const double a = -0.75;
        return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
    }
}
