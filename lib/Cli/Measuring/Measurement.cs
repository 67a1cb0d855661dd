namespace ClipNotebooks.Cli.Measuring;

/// <summary>A work and its time.</summary>
/// <param name="Work">What ran.</param>
/// <param name="Seconds">Of its fastest run.</param>
/// <param name="Speedup">How many times as fast as the plain form of the same work; null for that itself and for what has one form.</param>
internal sealed record Measurement(Workload Work, double Seconds, double? Speedup)
{
    /// <summary>Items a second.</summary>
    internal double Rate => Work.Items / Seconds;

    /// <summary>The share of what the machine gives; null where nothing measured bounds the work.</summary>
    internal double? Share(MachineLimits limits) => Work.Limit == Limit.None ? null : Work.Amount / Seconds / limits.Of(Work.Limit);

    /// <summary>Measures the forms of one work in turn.</summary>
    /// <param name="forms">The plain form first.</param>
    /// <param name="budget">Seconds for each.</param>
    internal static IReadOnlyList<Measurement> Of(IReadOnlyList<Workload> forms, double budget)
    {
        List<IDisposable> kept = [];
        try
        {
            var seconds = Pace.Fastest(budget, [.. forms.Select(form => form.Prepare(kept))]);
            return [.. forms.Select((form, i) => new Measurement(form, seconds[i], i == 0 ? null : seconds[0] / seconds[i]))];
        }
        finally
        {
            kept.Reverse();
            kept.ForEach(thing => thing.Dispose());
        }
    }
}
