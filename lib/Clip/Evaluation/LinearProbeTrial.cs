namespace ClipNotebooks.Clip.Evaluation;

/// <summary>One strength that a sweep tried.</summary>
/// <param name="Strength">λ.</param>
/// <param name="Accuracy">On the validation features, 0 to 1.</param>
/// <param name="CrossEntropy">On the validation features, the mean; decides between equal accuracies.</param>
/// <param name="Iterations">The L-BFGS iterations of the fit.</param>
public sealed record LinearProbeTrial(double Strength, double Accuracy, double CrossEntropy, int Iterations);
