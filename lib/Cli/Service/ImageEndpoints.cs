using System.Security.Cryptography;
using System.Text.Json;
using ClipNotebooks.Core.Inference;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ClipNotebooks.Cli.Service;

/// <summary>
/// The endpoints that show, add and remove the index's pictures. Ids are query parameters, since they may hold what paths may not.
/// </summary>
internal sealed class ImageEndpoints(BatchingEncoder clip, UploadReader uploads, ImageCollection images, Thumbnails thumbnails)
{
    private const int LongestId = 500, LongestValue = 2000, MostMetadata = 64;

    internal void Map(IEndpointRouteBuilder app)
    {
        app.MapPost("/v1/images", AddAsync).Produces<AddedImage>(201).WithSummary("Adds a picture, or replaces the one with its id.")
            .Takes("The picture; of a form also the fields, which else stand in the address.", new()
            {
                ["id"] = "Its name in the index; made of the picture's bytes by default.",
                ["metadata"] = "What is kept with it: a JSON object of strings.",
            }, inAddress: true);
        app.MapDelete("/v1/images", RemoveAsync).Produces(204)
            .WithSummary("Removes a picture from the index. A file that the service did not make itself stays where it is.");
        app.MapGet("/v1/images/thumbnail", ThumbnailAsync).Produces(200, contentType: "image/jpeg")
            .WithSummary($"A square picture of {Thumbnails.Side} pixels a side.");
        app.MapGet("/v1/images/original", Original).WithSummary("The picture's file.").Produces(
            200, null, "image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp");
    }

    private async Task<IResult> AddAsync(HttpContext context, CancellationToken token)
    {
        var upload = await uploads.ReadAsync(context.Request, keepBytes: true, token);
        var picture = upload.One();
        byte[] bytes = picture.Bytes!;
        string id = upload.Field("id") ?? context.Request.Query["id"].FirstOrDefault()
            ?? $"upload-{Convert.ToHexStringLower(SHA256.HashData(bytes))[..24]}";
        if (id.Length is 0 or > LongestId || id.Any(char.IsControl))
            throw ApiProblem.Request($"An id has 1 to {LongestId} characters, and no control characters among them.");
        var metadata = Metadata(upload.Field("metadata") ?? context.Request.Query["metadata"].FirstOrDefault());
        float[] embedding = (await clip.EmbedPixelsAsync([picture.Pixels], [picture.Name], token))[0];
        bool replaced = await Task.Run(() => images.Add(id, embedding, bytes, metadata), token);
        return Results.Created($"/v1/images/original?id={Uri.EscapeDataString(id)}", new AddedImage(id, replaced));
    }

    private async Task<IResult> RemoveAsync(string id, CancellationToken token)
    {
        await Task.Run(() => images.Remove(Named(id)), token);
        return Results.NoContent();
    }

    private async Task<IResult> ThumbnailAsync(HttpContext context, string id, CancellationToken token)
    {
        byte[] picture = await thumbnails.DrawAsync(Named(id), token);
        context.Response.Headers.CacheControl = "private, max-age=60";
        return Results.Bytes(picture, "image/jpeg");
    }

    private IResult Original(HttpContext context, string id)
    {
        var (stream, type) = images.Open(Named(id));
        context.Response.Headers.CacheControl = "private, max-age=60";
        return Results.Stream(stream, type);
    }

    private static string Named(string id) => id.Length > 0 ? id : throw ApiProblem.Request("The id is empty: ?id=… is needed.");

    private static Dictionary<string, string> Metadata(string? json)
    {
        if (json is null) return [];
        Dictionary<string, string> metadata;
        try
        {
            metadata = JsonSerializer.Deserialize<Dictionary<string, string>>(json) ?? [];
        }
        catch (JsonException)
        {
            throw ApiProblem.Request("\"metadata\" is no JSON object of strings, such as {\"place\": \"Seoul\", \"year\": \"2026\"}.");
        }
        if (metadata.Count > MostMetadata) throw ApiProblem.TooLarge($"\"metadata\" has {metadata.Count} keys; {MostMetadata} are kept.");
        foreach (var (key, value) in metadata)
            if (value is null || key.Length is 0 or > 100 || value.Length > LongestValue)
                throw ApiProblem.Request($"\"metadata\": keys have 1 to 100 characters, values are strings of at most {LongestValue}. " +
                    $"\"{(key.Length > 100 ? key[..100] + "…" : key)}\" is not so.");
        return metadata;
    }
}
