using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Workbook;

/// <summary>A sample image and true sentences about it.</summary>
/// <param name="File">The file's name in data/images.</param>
/// <param name="Image">The picture.</param>
/// <param name="Captions">At least one; the first says the most.</param>
public sealed record Sample(string File, RasterImage Image, IReadOnlyList<string> Captions);
