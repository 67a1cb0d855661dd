namespace ClipNotebooks.Clip.Evaluation;

/// <summary>
/// The outcome of <see cref="LinearProbe.Sweep"/>. The paper then fits again at this strength on training and validation features together.
/// </summary>
/// <param name="Best">The probe of the best strength, fitted on the training features alone.</param>
/// <param name="Trials">Every strength tried, the weakest first.</param>
public sealed record LinearProbeSweep(LinearProbe Best, IReadOnlyList<LinearProbeTrial> Trials);
