namespace ClipNotebooks.Clip.Export;

/// <summary>What an image tower takes.</summary>
/// <param name="Pixels">(B, 3, R, R), normalised; where images may have any shape their patches, (B, N, 3 P²).</param>
/// <param name="Seen">(B, N), int64: 1 for patches, 0 for places that are empty; none for images of one size.</param>
/// <param name="Shapes">(B, 2), int64: the rows and columns of each image's grid; none for images of one size.</param>
internal sealed record ImageInputs(OnnxValue Pixels, OnnxValue? Seen = null, OnnxValue? Shapes = null);
