namespace ClipNotebooks.Clip.Evaluation;

/// <summary>
/// Retrieval among the k nearest. The hit rate is what CLIP's paper calls recall: one right answer among k is enough; recall is the share
/// of the right answers that are among k.
/// </summary>
/// <param name="K">k, how many of the nearest candidates count.</param>
/// <param name="ImageToTextHitRate">Captions found for an image, 0 to 1 (<see cref="Retrieval.HitRateAt"/>).</param>
/// <param name="ImageToTextRecall">
/// The same as true recall (<see cref="Retrieval.TrueRecallAt"/>): an image with more captions than k cannot reach 1.
/// </param>
/// <param name="TextToImageHitRate">Images found for a caption, 0 to 1.</param>
/// <param name="TextToImageRecall">The same as true recall; equal to the hit rate, since a caption has one image.</param>
public sealed record RetrievalAt(int K, double ImageToTextHitRate, double ImageToTextRecall, double TextToImageHitRate,
    double TextToImageRecall);
