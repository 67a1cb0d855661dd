namespace ClipNotebooks.Clip.Evaluation;

/// <summary>Where a minimisation ended.</summary>
/// <param name="Value">The function there.</param>
/// <param name="Gradient">The largest magnitude in its gradient.</param>
/// <param name="Iterations">Steps done.</param>
/// <param name="HasConverged">Whether the gradient is within the tolerance.</param>
internal sealed record LinearProbeMinimum(double Value, double Gradient, int Iterations, bool HasConverged);
