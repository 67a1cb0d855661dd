using SkiaSharp;

namespace ClipNotebooks.Clip.Images;

/// <summary>An image of 8-bit red, green and blue samples: W · H pixels, rows from the top, three bytes a pixel. Immutable by agreement.</summary>
public sealed class RgbImage
{
    /// <summary>Takes over an array of samples.</summary>
    /// <param name="width">W, at least 1.</param>
    /// <param name="height">H, at least 1.</param>
    /// <param name="pixels">3 · W · H bytes.</param>
    /// <exception cref="ArgumentException">The array's length does not fit the size.</exception>
    public RgbImage(int width, int height, byte[] pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (width < 1 || height < 1 || pixels.LongLength != 3L * width * height)
            throw new ArgumentException($"An RGB image of {width} x {height} pixels has {3L * width * height} bytes; {pixels.LongLength} were given.");
        (Width, Height, Pixels) = (width, height, pixels);
    }

    /// <summary>W.</summary>
    public int Width { get; }

    /// <summary>H.</summary>
    public int Height { get; }

    /// <summary>The samples: red, green, blue of the top left pixel, then of the one to its right.</summary>
    public byte[] Pixels { get; }

    /// <summary>Decodes a file; orientation tags and colour profiles are left alone, alpha is dropped, as CLIP's own pipeline does.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is not an image that can be read; the message says why.</exception>
    public static RgbImage Load(string path)
    {
        using var decoded = DecodedImage.Load(path);
        return decoded.ToRgb();
    }

    /// <summary>Encodes as PNG, without loss.</summary>
    public byte[] ToPng() => Encode(SKEncodedImageFormat.Png, 100);

    /// <summary>Encodes as JPEG, baseline, with half the colours' resolution (4:2:0).</summary>
    /// <param name="quality">0 to 100.</param>
    public byte[] ToJpeg(int quality = 90) => Encode(SKEncodedImageFormat.Jpeg, quality);

    private byte[] Encode(SKEncodedImageFormat format, int quality)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var target = bitmap.GetPixelSpan();
        for (int i = 0, j = 0; i < Pixels.Length; i += 3, j += 4)
        {
            target[j] = Pixels[i];
            target[j + 1] = Pixels[i + 1];
            target[j + 2] = Pixels[i + 2];
            target[j + 3] = 255;
        }
        using var data = bitmap.Encode(format, quality);
        return data.ToArray();
    }

    /// <summary>Writes a PNG file, beside its place first and then renamed.</summary>
    public void SavePng(string path)
    {
        string beside = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            File.WriteAllBytes(beside, ToPng());
            File.Move(beside, path, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
    }
}
