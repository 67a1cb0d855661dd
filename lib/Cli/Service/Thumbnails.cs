using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Cli.Service;

/// <summary>Small square pictures as JPEG, drawn when they are asked for, as many at a time as there are cores.</summary>
internal sealed class Thumbnails(ImageCollection images, ServiceOptions options) : IDisposable
{
    internal const int Side = 256;

    private readonly SkiaImageDecoder _decoder = new() { MaxPixels = options.MaxPixels, DraftSide = Side };
    private readonly ClipImageTransform _square = new(new ImageTransformConfig { Size = Side, ResizeSize = Side });
    private readonly SemaphoreSlim _drawing = new(Environment.ProcessorCount);

    /// <exception cref="ApiProblem">There is no such picture, or it cannot be read.</exception>
    internal async Task<byte[]> DrawAsync(string id, CancellationToken token)
    {
        await _drawing.WaitAsync(token);
        try
        {
            var (stream, _) = images.Open(id);
            await using (stream)
            {
                var bytes = new byte[stream.Length];
                await stream.ReadExactlyAsync(bytes, token);
                using var image = _decoder.Decode(bytes, id, token);
                using var small = _square.Crop(image);
                return small.ToJpeg(82);
            }
        }
        catch (Exception problem) when (problem is InvalidDataException or IOException)
        {
            throw new ApiProblem(422, "unreadable-picture", "The picture cannot be read", problem.Message.Split(" Raise ")[0]);
        }
        finally
        {
            _drawing.Release();
        }
    }

    public void Dispose() => _drawing.Dispose();
}
