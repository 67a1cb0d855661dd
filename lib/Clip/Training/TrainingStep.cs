namespace ClipNotebooks.Clip.Training;

/// <summary>What one optimizer step did.</summary>
/// <param name="Step">Steps done so far, this one included.</param>
/// <param name="Loss">
/// The loss of the batch before the step: the symmetric contrastive loss (natural logarithm; ln B at chance), mixed with the distillation
/// loss where <see cref="TrainerOptions.Distillation"/> is set.
/// </param>
/// <param name="Scale">The factor on the logits after the step, exp(LogitScale); its inverse is the temperature τ.</param>
/// <param name="LearningRate">The learning rate of the step.</param>
/// <param name="GradientNorm">The L2 norm of the whole gradient before clipping.</param>
public sealed record TrainingStep(long Step, double Loss, double Scale, double LearningRate, double GradientNorm);
