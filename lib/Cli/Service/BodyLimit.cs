using Microsoft.AspNetCore.Http.Metadata;

namespace ClipNotebooks.Cli.Service;

/// <summary>How many bytes the body of an endpoint's request may have.</summary>
internal sealed record BodyLimit(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
