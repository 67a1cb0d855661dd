namespace ClipNotebooks.Core.Images;

/// <summary>What the samples of a <see cref="RasterImage"/> mean; it decides how CLIP's pipeline resizes them.</summary>
public enum SampleLayout
{
    /// <summary>Red, green, blue (gray files too: three equal samples).</summary>
    Rgb,

    /// <summary>Red, green, blue and alpha, not premultiplied; premultiplied for the resize only.</summary>
    Rgba,

    /// <summary>Cyan, magenta, yellow, black; 0 is no ink, 255 full ink. Resized as they are, then converted.</summary>
    Cmyk,

    /// <summary>
    /// Colours from a palette, or black and white only: resized by nearest neighbour, since palette indices cannot be interpolated.
    /// </summary>
    Indexed,

    /// <summary>16-bit gray: resized in 16 bits, then clipped to 255 (not scaled), as Pillow does.</summary>
    Gray16,
}
