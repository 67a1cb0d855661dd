using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace ClipNotebooks.Cli.Service;

/// <summary>
/// Decides which requests are answered. On loopback, only those to this machine's own names, so that no page of another site can read the
/// service through a name that resolves to this machine (DNS rebinding). Requests from pages of other sites are never answered; browsers
/// say where a request comes from. If there is a key, only requests that send it are answered.
/// </summary>
internal sealed class Guard(ServiceOptions options)
{
    /// <summary>What is answered without the key: the search page, on which its reader types the key, and the health check.</summary>
    private static readonly string[] Open = ["/", "/search.js", "/search.css", "/health"];

    private readonly byte[]? _key = options.Key is { } key ? Hash(key) : null;

    internal async Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
        headers.ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " +
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        Refuse(context.Request);
        await next(context);
    }

    private void Refuse(HttpRequest request)
    {
        if (IPAddress.IsLoopback(options.Address)
            && request.Host.Host.ToLowerInvariant() is not ("127.0.0.1" or "localhost" or "[::1]") and var name
            && name != options.Address.ToString())
            throw new ApiProblem(421, "other-name", "This service is on its user's own machine",
                "It answers to 127.0.0.1 and localhost alone. Ask for it by one of these; or start it with --host and a key.");
        string? origin = request.Headers.Origin;
        // Without the scheme: behind a proxy that ends TLS the page's is https, the request's http.
        bool own = Uri.TryCreate(origin, UriKind.Absolute, out var page)
            && string.Equals(page.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase);
        if (origin is not null && !own
            || request.Headers["Sec-Fetch-Site"] == "cross-site" && request.Headers["Sec-Fetch-Mode"] != "navigate")
            throw new ApiProblem(403, "other-site", "Pages of other sites are not answered",
                $"The request comes from a page of {origin ?? "another site"}. Open the service's own page, or ask it from a program.");
        if (_key is null || Open.Contains(request.Path.Value)) return;
        if (!CryptographicOperations.FixedTimeEquals(Hash(Given(request)), _key))
            throw new ApiProblem(401, "key", "The key is missing or wrong",
                "Send the service's key as \"Authorization: Bearer KEY\" or \"X-Api-Key: KEY\".");
    }

    private static string Given(HttpRequest request) =>
        request.Headers.Authorization.ToString() is { } bearer && bearer.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
            ? bearer["Bearer ".Length..].Trim() : request.Headers["X-Api-Key"].ToString();

    /// <summary>A hash of fixed length, so that comparing takes the same time whatever was given.</summary>
    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
