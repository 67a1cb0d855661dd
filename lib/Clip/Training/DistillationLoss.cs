using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// Learning from a larger model: the student's distributions of similarity between a batch's images and captions are trained towards the
/// teacher's; the two may differ in embedding width (Wu et al. 2023, "TinyCLIP", affinity mimicking).
/// </summary>
public static class DistillationLoss
{
    /// <summary>
    /// The cross-entropy between the teacher's and the student's distribution over captions for each image, and over images for each
    /// caption, averaged. It is least where the distributions are equal: it is then the teacher's entropy.
    /// </summary>
    /// <param name="image">(B, E), the student's, rows of length 1; gradients flow.</param>
    /// <param name="text">(B, E), the student's, rows of length 1; gradients flow.</param>
    /// <param name="logitScale">A scalar, the logarithm of the student's factor.</param>
    /// <param name="teacher">The teacher's embeddings of the same pairs.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Affinity(Tensor image, Tensor text, Tensor logitScale, TeacherEmbeddings teacher)
    {
        ArgumentNullException.ThrowIfNull(logitScale);
        ArgumentNullException.ThrowIfNull(teacher);
        ContrastiveLoss.RequirePairs(image, text);
        ContrastiveLoss.RequirePairs(teacher.Images, teacher.Texts);
        if (teacher.Images.shape[0] != image.shape[0])
            throw new ArgumentException($"The teacher has {teacher.Images.shape[0]} pairs, the batch {image.shape[0]}.", nameof(teacher));
        using var scope = NewDisposeScope();
        var student = logitScale.exp() * image.mm(text.t());                                    // (B, B)
        var wanted = teacher.Images.detach().mm(teacher.Texts.detach().t()).Times(teacher.Scale);   // (B, B)
        return Entropy(wanted, student).Plus(Entropy(wanted.t(), student.t())).Over(2).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The mean cross-entropy between the softmax of each row of <paramref name="wanted"/> and of <paramref name="given"/>.
    /// </summary>
    private static Tensor Entropy(Tensor wanted, Tensor given) => functional.cross_entropy(given, wanted.softmax(-1));
}
