using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// B image-caption pairs: row i of one belongs to row i of the other. Owns both tensors.
/// </summary>
/// <param name="Pixels">(B, 3, R, R), float32, normalised as the model expects.</param>
/// <param name="TokenIds">(B, L), int64, each row from the start token to the end token, then padding.</param>
public sealed record TrainingBatch(Tensor Pixels, Tensor TokenIds) : IDisposable
{
    /// <summary>A larger model's embeddings of the same pairs, for <see cref="TrainerOptions.Distillation"/>; owned too.</summary>
    public TeacherEmbeddings? Teacher { get; init; }

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Pixels.Dispose();
        TokenIds.Dispose();
        Teacher?.Dispose();
    }
}
