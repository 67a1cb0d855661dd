namespace ClipNotebooks.Core.Images;

/// <summary>Turns an encoded image into samples, and nothing more: no orientation, no colour profile, no conversion.</summary>
public interface IImageDecoder
{
    /// <summary>Decodes a whole file held in memory.</summary>
    /// <param name="encoded">The file's bytes.</param>
    /// <param name="name">Its name in error messages: a path or an address.</param>
    /// <param name="cancellationToken">Stops between two rows.</param>
    /// <exception cref="InvalidDataException">The bytes are not an image that can be read; the message says why.</exception>
    RasterImage Decode(ReadOnlyMemory<byte> encoded, string name, CancellationToken cancellationToken = default);
}
