using System.Runtime.Intrinsics;
using ClipNotebooks.Clip.Inference.Prepared;
using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Inference;

/// <summary>What the prepared float32 form is made of on processors with AVX-512 or AVX2.</summary>
public sealed unsafe class PackedProductTests
{
    private const string NoAvx = "The processor has neither AVX-512 nor AVX2: the prepared float32 form goes through oneDNN.";

    /// <summary>Inner dimensions beyond one depth block, columns that fill no panel, rows that fill no tile.</summary>
    [Theory]
    [InlineData(1, 16, 32, null)]
    [InlineData(9, 5, 1, null)]
    [InlineData(10, 768, 64, Activation.QuickGelu)]
    [InlineData(23, 769, 70, Activation.Gelu)]
    [InlineData(50, 1600, 33, Activation.GeluTanh)]
    public void A_packed_product_equals_libtorchs(int rows, int inner, int outputs, Activation? then)
    {
        Assert.SkipUnless(Tile.IsSupported, NoAvx);
        using var scope = NewDisposeScope();
        manual_seed(4);
        var (x, weight, bias, y) = (randn(rows, inner), randn(outputs, inner), randn(outputs), randn(rows, outputs));
        using var plain = new PlainLinear(weight, bias, then);
        using var packed = new PackedLinear(weight.Values(), bias.Values(), outputs, then);
        using var sum = new PackedLinear(weight.Values(), bias.Values(), outputs);
        using var team = ThreadTeam.Begin(get_num_threads());
        using var input = Rows(x);
        using var output = Rows(y);

        packed.Run(team, input, output, rows);
        Close.Relative(plain.Call(x), Tensor(output, rows, outputs), 1e-5); // sums in another order
        using var added = Rows(y);
        sum.Run(team, input, added, rows, add: true, follower: packed);
        using var linear = new PlainLinear(weight, bias, null);
        Close.Relative(linear.CallAndAdd(x, y), Tensor(added, rows, outputs), 1e-5);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    public void The_stride_of_rows_has_room_for_a_tile_and_is_whole_lines_and_no_power_of_two(int tile)
    {
        for (int columns = 0; columns < 9000; columns++)
        {
            int stride = RowBuffer.StrideOf(columns, tile);
            Assert.True(stride >= columns + tile && stride % 16 == 0 && !int.IsPow2(stride), $"{columns} columns: {stride}");
        }
    }

    [Fact]
    public void A_packed_norm_equals_libtorchs()
    {
        Assert.SkipUnless(Tile.IsSupported, NoAvx);
        using var scope = NewDisposeScope();
        var (x, gain, bias) = (randn(13, 48) * 3 + 5, randn(48), randn(48));
        using var norm = new PackedNorm(gain.Values(), bias.Values(), 1e-5);
        using var team = ThreadTeam.Begin(get_num_threads());
        using var rows = Rows(x);
        norm.Run(team, rows, rows, 13);
        Close.Relative(nn.functional.layer_norm(x, [48], gain, bias, 1e-5), Tensor(rows, 13, 48), 1e-6); // one rounding or two
    }

    [Fact]
    public void The_exponential_is_within_two_units_of_the_last_place()
    {
        Assert.SkipUnless(Tile.IsSupported, NoAvx);
        for (float x = -87; x < 88; x += 0.0137f)
        {
            double exact = Math.Exp(x);
            float found = VectorMath.Exp(Vector512.Create(x))[5];
            Assert.True(Math.Abs(found - exact) <= 2 * (MathF.BitIncrement((float)exact) - (float)exact),
                $"exp({x}) = {exact}, found {found}");
        }
        Assert.Equal(0, VectorMath.Exp(Vector512.Create(float.NegativeInfinity))[0]);
        Assert.Equal(0, VectorMath.Exp(Vector512.Create(-200f))[0]);
        Assert.Equal(0, VectorMath.Exp(Vector512.Create(-1e14f))[0]);
        Assert.Equal(float.PositiveInfinity, VectorMath.Exp(Vector512.Create(200f))[0]);
        Assert.Equal(float.NaN, VectorMath.Exp(Vector512.Create(float.NaN))[0]);
    }

    /// <summary>Absolute: 1.5e-7 of the error function's approximation times x, and roundings of values up to 10.</summary>
    [Theory]
    [InlineData(Activation.QuickGelu)]
    [InlineData(Activation.Gelu)]
    [InlineData(Activation.GeluTanh)]
    public void Activations_equal_libtorchs(Activation activation)
    {
        Assert.SkipUnless(Tile.IsSupported, NoAvx);
        using var scope = NewDisposeScope();
        var x = linspace(-10, 10, 4001);
        var wanted = (activation switch
        {
            Activation.QuickGelu => nn.functional.silu(x),
            Activation.GeluTanh => nn.functional.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh),
            _ => nn.functional.gelu(x),
        }).data<float>().ToArray();
        float[] values = x.data<float>().ToArray();
        for (int i = 0; i < values.Length; i++) Assert.Equal(
            wanted[i], VectorMath.Activate(Vector512.Create(values[i]), activation)[3], 1e-6f);
        foreach (float large in new[] { 7e4f, 1e5f, 3e7f })
        {
            Assert.Equal(large, VectorMath.Activate(Vector512.Create(large), activation)[3]);
            Assert.Equal(0, VectorMath.Activate(Vector512.Create(-large), activation)[3]);
        }
    }

    [Fact]
    public void A_team_does_every_unit_once_also_where_several_callers_want_it()
    {
        Parallel.For(0, 8, _ =>
        {
            for (int round = 0; round < 200; round++)
            {
                using var team = ThreadTeam.Begin(get_num_threads());
                foreach (int units in new[] { 0, 1, 2, 37 })
                {
                    var done = new int[units];
                    team.For(units, share => Interlocked.Increment(ref done[share.Unit]));
                    Assert.All(done, times => Assert.Equal(1, times));
                }
            }
        });
    }

    [Fact]
    public void A_units_failure_reaches_the_caller_and_leaves_the_team_usable()
    {
        for (int round = 0; round < 50; round++)
        {
            using var team = ThreadTeam.Begin(get_num_threads());
            Assert.ThrowsAny<InvalidOperationException>(() =>
                team.For(20, share => throw new InvalidOperationException($"unit {share.Unit}")));
            int sum = 0;
            team.For(20, share => Interlocked.Add(ref sum, share.Unit));
            Assert.Equal(190, sum);
        }
    }

    private static RowBuffer Rows(Tensor x)
    {
        var (rows, width, values) = ((int)x.shape[0], (int)x.shape[1], x.data<float>().ToArray());
        var buffer = new RowBuffer(rows, width);
        for (int row = 0; row < rows; row++) values.AsSpan(row * width, width).CopyTo(new Span<float>(buffer.Row(row), width));
        return buffer;
    }

    private static Tensor Tensor(RowBuffer buffer, int rows, int width) =>
        tensor(Enumerable.Range(0, rows).SelectMany(row => new ReadOnlySpan<float>(buffer.Row(row), width).ToArray()).ToArray(),
            [rows, width]);
}
