namespace ClipNotebooks.Core.Inference;

/// <summary>A file that was read for a model, or the reason why it was not.</summary>
/// <param name="Path">The file.</param>
/// <param name="Pixels">(3, R, R) values, normalised; null where the file is not an image that can be read.</param>
/// <param name="Problem">Why there are no pixels, in a sentence that names the file; null if there are pixels.</param>
public sealed record PreparedImage(string Path, float[]? Pixels, string? Problem);
