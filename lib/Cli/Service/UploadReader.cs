using System.Text;
using ClipNotebooks.Core.Images;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace ClipNotebooks.Cli.Service;

/// <summary>
/// Reads pictures from a request's body as they arrive. One file at a time is in memory; of those before it, only what the model takes is
/// kept, and the files themselves if they are asked for.
/// </summary>
internal sealed class UploadReader(ServiceOptions options, ClipImageTransform transform) : IDisposable
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private readonly SkiaImageDecoder _decoder = new() { MaxPixels = options.MaxPixels };
    private readonly SemaphoreSlim _decoding = new(Environment.ProcessorCount);
    private long _held;

    /// <summary>Reads a form's files and fields, or one picture that is the body itself.</summary>
    /// <param name="request">A request whose body is multipart/form-data, image/… or application/octet-stream.</param>
    /// <param name="keepBytes">Whether the files themselves are kept too.</param>
    /// <param name="token">Cancels the reading.</param>
    /// <exception cref="ApiProblem">The body is something else, too large or cut short, or a file is not a picture.</exception>
    internal async Task<Upload> ReadAsync(HttpRequest request, bool keepBytes, CancellationToken token)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)) throw OtherKind(request.ContentType);
        var upload = new Upload();
        if (type.Type.Equals("image", StringComparison.OrdinalIgnoreCase) || type.MediaType == "application/octet-stream")
            upload.Pictures.Add(await PictureAsync(request.Body, "image", "the picture", keepBytes, token));
        else if (type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
            await FormAsync(upload, request.Body, HeaderUtilities.RemoveQuotes(type.Boundary).ToString(), keepBytes, token);
        else throw OtherKind(request.ContentType);
        return upload;
    }

    /// <summary>A picture as the model takes it.</summary>
    /// <exception cref="ApiProblem">It is not a picture that can be read, or it is too large or damaged.</exception>
    internal async Task<float[]> PixelsAsync(ReadOnlyMemory<byte> bytes, string name, CancellationToken token)
    {
        if (PictureKind.Of(bytes.Span) is null)
            throw new ApiProblem(415, "no-picture", "That is no picture", $"{name} is not an image that can be read: JPEG, PNG, WebP, " +
                $"GIF and BMP are{(bytes.IsEmpty ? ". The file is empty" : "")}.");
        await _decoding.WaitAsync(token);
        try
        {
            return await Task.Run(() =>
            {
                using var image = _decoder.Decode(bytes, name, token);
                return transform.Apply(image);
            }, token);
        }
        catch (InvalidDataException problem)
        {
            // The decoder's advice is meant for programmers who call it, so it is left out.
            string detail = problem.Message.Split(" Raise ")[0];
            throw new ApiProblem(422, "unreadable-picture", "The picture cannot be read", detail);
        }
        finally
        {
            _decoding.Release();
        }
    }

    public void Dispose() => _decoding.Dispose();

    private async Task FormAsync(Upload upload, Stream body, string boundary, bool keepBytes, CancellationToken token)
    {
        if (boundary.Length is 0 or > 70) throw ApiProblem.Request("The form's Content-Type names no boundary of 1 to 70 characters.");
        var reader = new MultipartReader(boundary, body);
        int left = options.MaxTextBytes, fields = 0;
        try
        {
            while (await reader.ReadNextSectionAsync(token) is { } section)
            {
                if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition) || !disposition.Name.HasValue)
                    throw ApiProblem.Request("A part of the form has no name: each needs \"Content-Disposition: form-data; name=…\".");
                string part = HeaderUtilities.RemoveQuotes(disposition.Name).ToString();
                if (disposition.IsFileDisposition())
                {
                    if (upload.Pictures.Count == options.MaxPictures)
                        throw ApiProblem.TooLarge($"The form has more than {options.MaxPictures} pictures. Send them in several requests.");
                    string name = Shown(disposition.FileNameStar.HasValue ? disposition.FileNameStar.Value! : disposition.FileName.Value!);
                    upload.Pictures.Add(await PictureAsync(section.Body, part, name, keepBytes, token));
                }
                else
                {
                    if (++fields > options.MaxFields)
                        throw ApiProblem.TooLarge($"The form has more than {options.MaxFields:N0} fields. Send fewer.");
                    byte[] value = await BytesAsync(
                        section.Body, left, $"The form's fields have more than {options.MaxTextBytes:N0} bytes.", null, token);
                    left -= value.Length;
                    if (!upload.Fields.TryGetValue(part, out var values)) upload.Fields[part] = values = [];
                    values.Add(Strict.GetString(value));
                }
            }
        }
        catch (DecoderFallbackException)
        {
            throw ApiProblem.Request("A field of the form is not UTF-8.");
        }
        catch (Exception cut) when (cut is InvalidDataException || cut is IOException and not BadHttpRequestException)
        {
            throw ApiProblem.Request($"The form is damaged or cut short: {cut.Message.TrimEnd('.')}.");
        }
    }

    private async Task<Upload.Picture> PictureAsync(Stream from, string part, string name, bool keepBytes, CancellationToken token)
    {
        long held = 0;
        try
        {
            byte[] bytes = await BytesAsync(from, options.MaxPictureBytes,
                $"{name} has more than {options.MaxPictureBytes:N0} bytes, which one picture may have. Send a smaller one.", Hold, token);
            return new(part, name, await PixelsAsync(bytes, name, token), keepBytes ? bytes : null);
        }
        finally
        {
            Interlocked.Add(ref _held, -held);
        }

        void Hold(int more)
        {
            held += more;
            if (Interlocked.Add(ref _held, more) > options.MaxHeldBytes)
                throw new ApiProblem(503, "busy", "The service is busy", $"The pictures that are read at this moment have more than " +
                    $"{options.MaxHeldBytes:N0} bytes together. Try again in a few seconds.") { RetryAfter = TimeSpan.FromSeconds(3) };
        }
    }

    private static async Task<byte[]> BytesAsync(Stream from, long most, string tooLarge, Action<int>? hold, CancellationToken token)
    {
        using var whole = new MemoryStream();
        var buffer = new byte[64 << 10];
        for (int read; (read = await from.ReadAsync(buffer, token)) > 0;)
        {
            if (whole.Length + read > most) throw ApiProblem.TooLarge(tooLarge);
            hold?.Invoke(read);
            whole.Write(buffer, 0, read);
        }
        return whole.ToArray();
    }

    /// <summary>The last part of a path, cut to a length that fits into a message.</summary>
    private static string Shown(string name)
    {
        name = HeaderUtilities.RemoveQuotes(name).ToString();
        name = name[(name.LastIndexOfAny(['/', '\\']) + 1)..].Trim();
        return name.Length switch { 0 => "a picture", > 120 => name[..120] + "…", _ => name };
    }

    private static ApiProblem OtherKind(string? type) => new(415, "other-kind", "The body is of another kind",
        $"The Content-Type is {(string.IsNullOrEmpty(type) ? "missing" : $"\"{type}\"")}. Send a picture as the body (image/jpeg, " +
        "image/png, …), or a form with files (multipart/form-data).");
}
