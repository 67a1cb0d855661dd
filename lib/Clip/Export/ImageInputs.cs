namespace ClipNotebooks.Clip.Export;

/// <summary>An image tower's inputs.</summary>
/// <param name="Pixels">(B, 3, R, R), normalised; for images of any shape their patches, (B, N, 3 P²).</param>
/// <param name="Seen">(B, N), int64: 1 for patches, 0 for padding; null for images of one size.</param>
/// <param name="Shapes">(B, 2), int64: the rows and columns of each image's grid; null for images of one size.</param>
internal sealed record ImageInputs(OnnxValue Pixels, OnnxValue? Seen = null, OnnxValue? Shapes = null);
