using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Training;

/// <summary>A teacher's embeddings of a batch's pairs; E may differ from the student's. Owns both tensors.</summary>
/// <param name="Images">(B, E), float32, rows of length 1.</param>
/// <param name="Texts">(B, E), float32, rows of length 1.</param>
/// <param name="Scale">The factor on its similarities, exp(logit scale).</param>
public sealed record TeacherEmbeddings(Tensor Images, Tensor Texts, double Scale) : IDisposable
{
    /// <summary>Frees both tensors.</summary>
    public void Dispose()
    {
        Images.Dispose();
        Texts.Dispose();
    }
}
