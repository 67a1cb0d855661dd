using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace ClipNotebooks.Cli.Service;

/// <summary>Adds to the OpenAPI description what the endpoints' types do not say.</summary>
internal static class Descriptions
{
    /// <summary>Describes a body that is a picture or a form.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="body">What the body is.</param>
    /// <param name="fields">The form's fields beside the files, with what they mean.</param>
    /// <param name="inAddress">Whether the fields are query parameters if the body is the picture itself.</param>
    internal static RouteHandlerBuilder Takes(this RouteHandlerBuilder endpoint, string body, Dictionary<string, string>? fields = null,
        bool inAddress = false) =>
        endpoint.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            Describe(operation, body, fields);
            if (inAddress) operation.Parameters = [.. fields!.Select(IOpenApiParameter (field) => new OpenApiParameter
            {
                Name = field.Key,
                In = ParameterLocation.Query,
                Description = field.Value,
                Schema = new OpenApiSchema { Type = JsonSchemaType.Array, Items = new OpenApiSchema { Type = JsonSchemaType.String } },
            })];
            return Task.CompletedTask;
        });

    /// <summary>Describes a body that is a picture, a form or JSON.</summary>
    internal static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder endpoint, string body, Dictionary<string, string> fields) =>
        endpoint.AddOpenApiOperationTransformer(async (operation, context, token) =>
        {
            Describe(operation, body, fields);
            operation.RequestBody!.Content!["application/json"] = new()
            {
                Schema = await context.GetOrCreateSchemaAsync(typeof(T), cancellationToken: token),
            };
        });

    internal static void Document(OpenApiOptions options, bool needsKey) => options.AddDocumentTransformer((document, _, _) =>
    {
        document.Info = new()
        {
            Title = "clipbook",
            Version = "v1",
            Description = "CLIP over HTTP: embeds texts and pictures, classifies pictures by words, finds them in an index. Each answer " +
                "that is no success is application/problem+json (RFC 9457).",
        };
        document.Servers = [];
        if (needsKey)
        {
            document.Components ??= new();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                ["key"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer" },
            };
            document.Security = [new() { [new OpenApiSecuritySchemeReference("key", document)] = [] }];
        }
        return Task.CompletedTask;
    });

    private static void Describe(OpenApiOperation operation, string body, Dictionary<string, string>? fields)
    {
        var properties = (fields ?? []).ToDictionary(field => field.Key,
            IOpenApiSchema (field) => new OpenApiSchema { Type = JsonSchemaType.String, Description = field.Value });
        properties["image"] = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary", Description = "A picture's file." };
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Description = body,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["multipart/form-data"] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.Object, Properties = properties } },
                ["image/*"] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } },
            },
        };
    }
}
