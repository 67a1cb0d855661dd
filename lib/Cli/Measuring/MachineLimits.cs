using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Inference.Prepared;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Cli.Measuring;

/// <summary>The most that the machine gives to a process like this one, measured in this process. Other figures are shares of it.</summary>
/// <param name="Float32">Floating-point operations a second of float32 matrix products, for each way to compute them.</param>
/// <param name="BFloat16">The same for bfloat16.</param>
/// <param name="Memory">Bytes a second that all cores together read.</param>
internal sealed record MachineLimits(IReadOnlyDictionary<string, double> Float32, IReadOnlyDictionary<string, double> BFloat16,
    double Memory)
{
    /// <summary>Rows × inner × columns: ViT-B/32's own products on 16 images, and a large square.</summary>
    private static readonly (int Rows, int Inner, int Columns)[] Shapes = [(800, 768, 3072), (800, 3072, 768), (2048, 2048, 2048)];

    /// <summary>A limit in operations or bytes a second, by the fastest way.</summary>
    internal double Of(Limit limit) => limit switch
    {
        Limit.Float32Products => Float32.Values.Max(),
        Limit.BFloat16Products => BFloat16.Values.Max(),
        Limit.Memory => Memory,
        _ => double.NaN,
    };

    /// <summary>Measures the limits.</summary>
    /// <param name="budget">Seconds for each way and shape.</param>
    internal static MachineLimits Measure(double budget)
    {
        using var _ = inference_mode();
        return new MachineLimits(Products(float32, budget), Products(bfloat16, budget), ReadRate(budget));
    }

    private static Dictionary<string, double> Products(ScalarType type, double budget)
    {
        var best = new Dictionary<string, double>();
        foreach (var (rows, inner, columns) in Shapes)
        {
            using var scope = NewDisposeScope();
            var (x, weight, bias) = (randn(rows, inner, dtype: type), randn(columns, inner, dtype: type), randn(columns, dtype: type));
            using var fixedLinear = FixedLinear.Create(weight, bias);
            var (image, kernel) = (x.t().view(1, inner, 1, rows), weight.view(columns, inner, 1, 1));
            Time("linear", () => nn.functional.linear(x, weight, bias).Dispose());
            if (FixedLinear.UsesOneDnn(type, DeviceType.CPU)) Time("oneDNN", () => fixedLinear.Call(x).Dispose());
            // Without instructions for bfloat16 this convolution takes seconds, and is never the fastest way.
            if (type == float32 || PrecisionProbe.Choose(DeviceType.CPU).Precision == Precision.BFloat16)
                Time("1 × 1 convolution", () => nn.functional.conv2d(image, kernel, bias).Dispose());
            if (type != float32 || !Tile.IsSupported) continue;
            using var packed = new PackedProducts(rows, [(inner, columns)]);
            Time("packed", packed.Run);

            void Time(string way, Action product) => best[way] =
                Math.Max(best.GetValueOrDefault(way), 2.0 * rows * inner * columns / Pace.Fastest(budget, product));
        }
        return best;
    }

    /// <summary>
    /// Reads 1 GB, more than any cache holds, by summing it and by multiplying it with a vector, as a search does; the faster counts.
    /// </summary>
    private static double ReadRate(double budget)
    {
        using var values = ones(250_000, 1000);
        using var vector = ones(1000);
        return 4.0 * values.numel() / Math.Min(Pace.Fastest(budget, () => values.sum().Dispose()),
            Pace.Fastest(budget, () => values.mv(vector).Dispose()));
    }
}
