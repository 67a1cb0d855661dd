using System.Globalization;
using System.Text;

namespace ClipNotebooks.Clip.Evaluation;

/// <summary>How far a model agrees with a recording, rung by rung, a rung for each step in the order of the forward.</summary>
/// <param name="Rungs">Every step that the recording holds.</param>
public sealed record ParityReport(IReadOnlyList<ParityRung> Rungs)
{
    /// <summary>The first rung that does not agree; the fault lies between the rung before it and this one. Null where all agree.</summary>
    public ParityRung? FirstDivergence => Rungs.FirstOrDefault(rung => !rung.Agrees);

    /// <summary>Whether every rung agrees.</summary>
    public bool Agrees => FirstDivergence is null;

    /// <summary>The result in one sentence.</summary>
    public string Summary => FirstDivergence is { } rung
        ? $"First divergence: {rung.Name}, " +
            $"{(rung.Remark.Length > 0 ? rung.Remark : Off(rung))}."
        : $"All {Rungs.Count} rungs agree.";

    private static string Off(ParityRung rung) => string.Create(CultureInfo.InvariantCulture, $"off by {rung.MaxAbsoluteError:g3}, " +
        $"{rung.MaxRelativeError:g3} of the largest magnitude, where {rung.Tolerance:g3} is allowed");

    /// <summary>One line for each rung, then the summary.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var rung in Rungs)
            text.AppendLine(CultureInfo.InvariantCulture, $"{(rung.Agrees ? "agrees  " : "DIVERGES")}  {rung.Name,-26} " +
                $"{rung.MaxAbsoluteError,10:g3} {rung.MaxRelativeError,10:g3}  {rung.Remark}");
        return text.Append(Summary).ToString();
    }
}
