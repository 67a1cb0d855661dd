namespace ClipNotebooks.Core.Images;

/// <summary>The filter of a resize.</summary>
public enum Interpolation
{
    /// <summary>Takes the nearest pixel.</summary>
    Nearest,

    /// <summary>A triangle over one source pixel each way, widened when shrinking.</summary>
    Bilinear,

    /// <summary>A cubic with a = −0.5 over two source pixels each way, widened when shrinking; CLIP's.</summary>
    Bicubic,
}

/// <summary>
/// The weights of one pass of Pillow's resize (<c>Resample.c</c>), for a window of the output: output i is the weighted sum of
/// source <c>First[i] … First[i] + Count[i] − 1</c>.
/// </summary>
internal sealed class Taps
{
    /// <summary>Fractional bits of the weights in fixed point, as in Pillow for samples of eight bits.</summary>
    internal const int FractionalBits = 22;

    /// <summary>
    /// The most weights that are kept, 7 MB in all their forms: those for an edge of 65,535 pixels, the longest that a JPEG has.
    /// </summary>
    private const int MostKept = 1 << 18;

    /// <summary>The latest weights, for reuse: the images of a folder often have one size or two.</summary>
    private static readonly Taps?[] Recent = new Taps?[8];

    private static int _next;

    private readonly (int, int, int, int, Interpolation) _request;
    private int[]? _fixed, _fixedFourTimes;

    private Taps((int, int, int, int, Interpolation) request, int outputs, int most) =>
        (_request, First, Count, Weights, Most) = (request, new int[outputs], new int[outputs], new double[outputs * most], most);

    internal int[] First { get; }

    internal int[] Count { get; }

    /// <summary>The largest count: output i's weights begin at i · Most.</summary>
    internal int Most { get; }

    /// <summary>Each output's weights sum to 1.</summary>
    internal double[] Weights { get; }

    /// <summary>The weights with 22 fractional bits, rounded half away from zero.</summary>
    internal int[] Fixed() => _fixed ??= Array.ConvertAll(Weights, w => (int)(w * (1 << FractionalBits) + (w < 0 ? -0.5 : 0.5)));

    /// <summary>The weights of <see cref="Fixed"/>, each four times: for the four samples of a pixel.</summary>
    internal int[] FixedFourTimes() => _fixedFourTimes ??= [.. Fixed().SelectMany(w => new[] { w, w, w, w })];

    internal static Taps Compute(int source, int target, int start, int length, Interpolation interpolation)
    {
        var request = (source, target, start, length, interpolation);
        foreach (var recent in Recent)
            if (recent is not null && recent._request == request) return recent;
        var taps = Anew(source, target, start, length, interpolation);
        if (taps.Weights.Length > MostKept) return taps;
        return Recent[Interlocked.Increment(ref _next) & 7] = taps;
    }

    private static Taps Anew(int source, int target, int start, int length, Interpolation interpolation)
    {
        double scale = (double)source / target, widen = Math.Max(scale, 1), support = Support(interpolation) * widen;
        var taps = new Taps((source, target, start, length, interpolation), length, MostFor(source, target, interpolation));
        for (int i = 0; i < length; i++)
        {
            double centre = (start + i + 0.5) * scale, sum = 0;
            int first = Math.Max((int)(centre - support + 0.5), 0), end = Math.Min((int)(centre + support + 0.5), source);
            var weights = taps.Weights.AsSpan(i * taps.Most, end - first);
            for (int k = 0; k < weights.Length; k++)
                sum += weights[k] = Kernel((k + first - centre + 0.5) / widen, interpolation);
            for (int k = 0; k < weights.Length && sum != 0; k++) weights[k] /= sum;
            (taps.First[i], taps.Count[i]) = (first, weights.Length);
        }
        return taps;
    }

    /// <summary>The most source samples that contribute to one sample of the target.</summary>
    internal static int MostFor(int source, int target, Interpolation interpolation) =>
        (int)Math.Ceiling(Support(interpolation) * Math.Max((double)source / target, 1)) * 2 + 1;

    private static int Support(Interpolation interpolation) => interpolation == Interpolation.Bicubic ? 2 : 1;

    private static double Kernel(double x, Interpolation interpolation)
    {
        x = Math.Abs(x);
        if (interpolation == Interpolation.Bilinear) return x < 1 ? 1 - x : 0;
        const double a = -0.5;
        if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    }
}
