using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Training;

/// <summary>What a teacher gives for a batch's pairs; E may be another than the student's. Owns both tensors.</summary>
/// <param name="Images">(B, E), float32, rows of length 1.</param>
/// <param name="Texts">(B, E), float32, rows of length 1.</param>
/// <param name="Scale">The factor on its similarities, e to the power of its logit scale.</param>
public sealed record TeacherEmbeddings(Tensor Images, Tensor Texts, double Scale) : IDisposable
{
    /// <summary>Frees both tensors.</summary>
    public void Dispose()
    {
        Images.Dispose();
        Texts.Dispose();
    }
}
