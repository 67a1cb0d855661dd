namespace ClipNotebooks.Clip.Evaluation;

/// <summary>One step of a forward, compared with what was recorded for it.</summary>
/// <param name="Name">The recording's name for it, such as <c>vision.hidden.3</c>.</param>
/// <param name="Shape">The recorded shape.</param>
/// <param name="MaxAbsoluteError">The largest absolute difference between two elements; NaN where nothing could be compared.</param>
/// <param name="MaxRelativeError">The same divided by the largest magnitude recorded.</param>
/// <param name="Tolerance">The largest relative error allowed.</param>
/// <param name="Remark">Why nothing could be compared, such as another shape; empty otherwise.</param>
public sealed record ParityRung(string Name, IReadOnlyList<long> Shape, double MaxAbsoluteError, double MaxRelativeError, double Tolerance,
    string Remark)
{
    /// <summary>Whether the error is within the tolerance. A NaN never is.</summary>
    public bool Agrees => Remark.Length == 0 && MaxRelativeError <= Tolerance;
}
