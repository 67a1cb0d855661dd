namespace ClipNotebooks.Clip.Evaluation;

/// <summary>
/// Retrieval among the k nearest. The hit rate is what CLIP's paper calls recall: one right answer among k is enough; recall is the share
/// of the right answers that are among k.
/// </summary>
/// <param name="K">How many candidates are looked at.</param>
/// <param name="ImageToTextHitRate">From an image to captions, 0 to 1 (<see cref="Retrieval.HitRateAt"/>).</param>
/// <param name="ImageToTextRecall">
/// The same as true recall (<see cref="Retrieval.TrueRecallAt"/>): an image with more captions than k cannot reach 1.
/// </param>
/// <param name="TextToImageHitRate">From a caption to images.</param>
/// <param name="TextToImageRecall">The same as true recall; equal to the hit rate, since a caption has one image.</param>
public sealed record RetrievalAt(int K, double ImageToTextHitRate, double ImageToTextRecall, double TextToImageHitRate,
    double TextToImageRecall);
