namespace ClipNotebooks.Cli.Measuring;

/// <summary>A workload and its time.</summary>
/// <param name="Work">What ran.</param>
/// <param name="Seconds">The time of its fastest run.</param>
/// <param name="Speedup">How many times as fast as the workload's plain form; null for the plain form itself.</param>
internal sealed record Measurement(Workload Work, double Seconds, double? Speedup)
{
    /// <summary>Items a second.</summary>
    internal double Rate => Work.Items / Seconds;

    /// <summary>The share of the machine's limit that was reached; null if none of the limits measured bounds the work.</summary>
    internal double? Share(MachineLimits limits) => Work.Limit == Limit.None ? null : Work.Amount / Seconds / limits.Of(Work.Limit);

    /// <summary>Measures the forms of one workload in turn.</summary>
    /// <param name="forms">The plain form first.</param>
    /// <param name="budget">Seconds for each form.</param>
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
