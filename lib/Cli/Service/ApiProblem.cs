namespace ClipNotebooks.Cli.Service;

/// <summary>A failure that the client can fix, with the members of RFC 9457.</summary>
/// <param name="status">The HTTP status code.</param>
/// <param name="kind">The last part of the type, the same for all failures of a kind.</param>
/// <param name="title">What failed, the same for all failures of a kind.</param>
/// <param name="detail">What failed and where, why, and what to do.</param>
internal sealed class ApiProblem(int status, string kind, string title, string detail) : Exception(detail)
{
    internal int Status { get; } = status;

    internal string Type { get; } = "urn:clipbook:" + kind;

    internal string Title { get; } = title;

    /// <summary>After how long it is worth trying again.</summary>
    internal TimeSpan? RetryAfter { get; init; }

    internal static ApiProblem Request(string detail) => new(400, "request", "The request is not understood", detail);

    internal static ApiProblem TooLarge(string detail) => new(413, "too-large", "The request is too large", detail);

    internal static ApiProblem NoSuchImage(string id) => new(404, "no-such-image", "There is no such picture",
        $"The index has no picture \"{id}\". Take an id that a search has given.");

    internal static ApiProblem Of(int status, string detail) => new(status, $"http-{status}", status switch
    {
        400 => "The request is not understood",
        404 => "There is nothing at this address",
        405 => "This address has no such method",
        408 => "The request came too slowly",
        413 => "The request is too large",
        415 => "The body is of another kind",
        _ => "The request failed",
    }, detail);
}
