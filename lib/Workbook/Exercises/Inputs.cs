using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>Seeded inputs that leave the reader's own random numbers alone.</summary>
internal static class Inputs
{
    public static Tensor Normal(ulong seed, params long[] shape)
    {
        using var generator = new Generator(seed);
        return randn(shape, generator: generator);
    }

    /// <summary>Rows of length 1, as embeddings are.</summary>
    public static Tensor Unit(ulong seed, params long[] shape) => functional.normalize(Normal(seed, shape), p: 2, dim: -1);
}
