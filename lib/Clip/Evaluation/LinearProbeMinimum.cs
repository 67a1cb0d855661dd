namespace ClipNotebooks.Clip.Evaluation;

/// <summary>Where a minimisation ended.</summary>
/// <param name="Value">The function's value there.</param>
/// <param name="Gradient">The largest magnitude in the gradient there.</param>
/// <param name="Iterations">The number of steps done.</param>
/// <param name="HasConverged">Whether the gradient is within the tolerance.</param>
internal sealed record LinearProbeMinimum(double Value, double Gradient, int Iterations, bool HasConverged);
