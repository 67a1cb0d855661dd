using System.Globalization;
using System.Text.Json;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Inference;
using Microsoft.AspNetCore.Http;

namespace ClipNotebooks.Cli.Service;

/// <summary>Gives every answer that is no success the form of a problem (RFC 9457).</summary>
internal static class Problems
{
    internal const string MediaType = "application/problem+json";

    /// <summary>Surrounds all other handling: turns exceptions, and answers that are only a status code, into problems.</summary>
    internal static async Task CatchAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
            var response = context.Response;
            if (response is { HasStarted: false, StatusCode: >= 400, ContentType: null })
                await WriteAsync(context, ApiProblem.Of(response.StatusCode, response.StatusCode == 405
                    ? $"{context.Request.Method} is not for {context.Request.Path}. /openapi/v1.json says what is."
                    : $"{context.Request.Path} is no address of this service. /openapi/v1.json lists them."));
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone away.
        }
        catch (Exception failure) when (!context.Response.HasStarted)
        {
            await WriteAsync(context, Of(failure));
        }
    }

    internal static Task WriteAsync(HttpContext context, ApiProblem problem)
    {
        var response = context.Response;
        response.StatusCode = problem.Status;
        response.ContentType = MediaType;
        response.Headers.CacheControl = "no-store";
        if (problem.Status == 401) response.Headers.WWWAuthenticate = "Bearer";
        if (problem.RetryAfter is { } later)
            response.Headers.RetryAfter = Math.Ceiling(later.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.WriteAsync(JsonSerializer.Serialize(
            new { type = problem.Type, title = problem.Title, status = problem.Status, detail = problem.Message }, ApiServer.Json));
    }

    private static ApiProblem Of(Exception failure)
    {
        switch (failure)
        {
            case ApiProblem problem:
                return problem;
            case QueueFullException full:
                return new(503, "busy", "The model is busy", $"{full.Message} Nothing was begun; try again in a second.")
                    { RetryAfter = TimeSpan.FromSeconds(1) };
            // ASP.NET throws this for a charset that it does not know, before anything is read.
            case InvalidOperationException { Message: var said } when said.Contains("charset", StringComparison.OrdinalIgnoreCase):
                return ApiProblem.Of(415, "The charset that Content-Type names is not known here. Send JSON in UTF-8.");
            case BadHttpRequestException { InnerException: JsonException json }:
                return Of(json);
            case JsonException json:
                return Of(json);
            case BadHttpRequestException bad:
                return ApiProblem.Of(bad.StatusCode, bad.StatusCode == 408
                    ? "The body came more slowly than 240 bytes a second. Send it again over a faster connection."
                    : $"{bad.Message.TrimEnd('.')}.");
            default:
                // The client can do nothing about it; whoever runs the service can.
                Terminal.WriteErrorLines($"clipbook: a request failed: {failure}");
                return new(500, "failed", "The service failed", failure is NonFiniteException ? failure.Message
                    : "Something failed that was not foreseen. The error stream of the service says what.");
        }
    }

    private static ApiProblem Of(JsonException json) => ApiProblem.Request("The body is not the JSON that is expected: " +
        (json.Path is { } path ? $"at {path}, line {json.LineNumber + 1}, byte {json.BytePositionInLine + 1}, is something else. " +
            "/openapi/v1.json has its form." : $"{json.Message.TrimEnd('.')}."));
}
