namespace ClipNotebooks.Clip.Training;

/// <summary>What one optimizer step did.</summary>
/// <param name="Step">Steps done so far, this one included.</param>
/// <param name="Loss">The symmetric contrastive loss of the batch before the step (natural logarithm; ln B at chance).</param>
/// <param name="Scale">The factor on the logits after the step, exp(LogitScale); its inverse is the temperature τ.</param>
/// <param name="LearningRate">The learning rate of the step.</param>
/// <param name="GradientNorm">The L2 norm of the whole gradient before clipping.</param>
public sealed record TrainingStep(long Step, double Loss, double Scale, double LearningRate, double GradientNorm);
