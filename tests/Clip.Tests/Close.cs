using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests;

/// <summary>Comparison with reference tensors.</summary>
internal static class Close
{
    /// <summary>The largest absolute difference is at most <paramref name="tolerance"/> times the largest magnitude expected.</summary>
    internal static void Relative(Tensor expected, Tensor actual, double tolerance)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(expected.shape, actual.shape);
        var (e, a) = (expected.to(float64), actual.detach().to(float64));
        double magnitude = e.abs().max().ToDouble(), difference = (e - a).abs().max().ToDouble();
        Assert.True(difference <= tolerance * magnitude, $"The largest difference is {difference:g3}; {tolerance:g3} of the largest " +
            $"magnitude ({magnitude:g4}) is {tolerance * magnitude:g3}.");
    }

    /// <summary>Rows of numbers as a tensor, float32.</summary>
    internal static Tensor Rows(double[][] rows) =>
        tensor(rows.SelectMany(row => row).Select(value => (float)value).ToArray(), [rows.Length, rows[0].Length]);
}
