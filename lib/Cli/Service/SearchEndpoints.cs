using System.Text.Json;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Search;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace ClipNotebooks.Cli.Service;

/// <summary>The endpoints that find pictures in the index.</summary>
internal sealed class SearchEndpoints(BatchingEncoder clip, UploadReader uploads, ImageCollection images, ServiceOptions options)
{
    internal void Map(IEndpointRouteBuilder app)
    {
        app.MapPost("/v1/search", SearchAsync).Produces<FoundImages>()
            .WithSummary("Finds the pictures that a weighted sum of texts, pictures and pictures of the index asks for.")
            .Takes<SearchRequest>("The query as JSON; a form with the query and pictures that its terms name; or one picture alone.", new()
            {
                ["query"] = "The query as JSON.",
            });
        app.MapGet("/v1/facets", () => Results.Ok(images.Facets())).Produces<Facets>()
            .WithSummary("Which values the metadata have, and how many pictures share them.");
    }

    private async Task<IResult> SearchAsync(HttpContext context, CancellationToken token)
    {
        var (request, pictures) = await ReadAsync(context.Request, token);
        var terms = request.Terms ?? [];
        CheckRange(request, terms);
        var filter = Filter(request.Filter);
        if (terms.Count == 0) return Results.Ok(Page(images.Newest(filter).Skip(request.Skip)
            .Select(entry => new SearchResult(entry.Id, entry.Path, float.NaN, entry.Metadata)).Take(request.Top + 1), request.Top));
        var query = await QueryAsync(terms, pictures, token);
        try
        {
            // One result more than asked for tells whether there are more.
            return Results.Ok(Page(images.Search(query, filter, request.Top + 1, request.Skip, request.MinScore, token), request.Top));
        }
        catch (ArgumentException problem)
        {
            throw ApiProblem.Request(problem.Message.Split(" (Parameter")[0]);
        }
    }

    private async Task<(SearchRequest, List<Upload.Picture>)> ReadAsync(HttpRequest request, CancellationToken token)
    {
        if (request.HasJsonContentType())
        {
            request.HttpContext.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = options.MaxTextBytes;
            return (await request.ReadFromJsonAsync<SearchRequest>(token) ?? throw ApiProblem.Request("The query is null."), []);
        }
        var upload = await uploads.ReadAsync(request, keepBytes: false, token);
        if (upload.Field("query") is { } query)
            return (JsonSerializer.Deserialize<SearchRequest>(query, ApiServer.Json) ?? throw ApiProblem.Request("The query is null."),
                upload.Pictures);
        return (new SearchRequest { Terms = [new SearchTerm { Image = upload.One().Part }] }, upload.Pictures);
    }

    private void CheckRange(SearchRequest request, IReadOnlyList<SearchTerm> terms)
    {
        if (terms.Count > options.MaxTerms) throw ApiProblem.TooLarge($"The query has {terms.Count} terms; at most {options.MaxTerms} go.");
        if (request.Top < 1 || request.Top > options.MaxTop)
            throw ApiProblem.Request($"top is {request.Top}; 1 to {options.MaxTop} are given at a time. Ask for the next with skip.");
        if (request.Skip < 0 || request.Skip > options.MaxSkip)
            throw ApiProblem.Request($"skip is {request.Skip}; 0 to {options.MaxSkip:N0} may be left out.");
        foreach (var (place, term) in terms.Index())
        {
            string where = $"Term {place + 1} of {terms.Count}";
            if (term is null) throw ApiProblem.Request($"{where} is null.");
            if (new[] { term.Text, term.Id, term.Image }.Count(given => given is not null) != 1)
                throw ApiProblem.Request($"{where} needs exactly one of \"text\", \"id\" and \"image\".");
            if (string.IsNullOrWhiteSpace(term.Text ?? term.Id ?? term.Image)) throw ApiProblem.Request($"{where} is empty.");
            if (!double.IsFinite(term.Weight) || term.Weight == 0 || Math.Abs(term.Weight) > 100)
                throw ApiProblem.Request($"{where} has the weight {term.Weight}; one from -100 to 100, and not 0, is needed.");
        }
    }

    private async Task<SearchQuery> QueryAsync(IReadOnlyList<SearchTerm> terms, List<Upload.Picture> pictures, CancellationToken token)
    {
        string[] texts = [.. terms.Select(term => term.Text).OfType<string>()];
        var rows = texts.Length == 0 ? [] : await clip.EmbedTextsAsync(texts, token);
        int text = 0;
        var query = new SearchQuery();
        foreach (var term in terms)
        {
            float[] embedding = term.Text is not null ? rows[text++]
                : term.Id is { } id ? images.Embedding(id)
                : await EmbedAsync(pictures.FirstOrDefault(picture => picture.Part == term.Image)
                    ?? throw ApiProblem.Request($"A term names the picture \"{term.Image}\", and the form has no such file."), token);
            query = query.Plus(embedding, term.Weight);
        }
        return query;
    }

    private async Task<float[]> EmbedAsync(Upload.Picture picture, CancellationToken token) =>
        (await clip.EmbedPixelsAsync([picture.Pixels], [picture.Name], token))[0];

    private static Func<IndexEntry, bool>? Filter(IReadOnlyDictionary<string, IReadOnlyList<string>>? asked)
    {
        if (asked is not { Count: > 0 }) return null;
        var wanted = asked.Select(pair => (pair.Key, Values: (pair.Value ?? []).ToHashSet(StringComparer.Ordinal))).ToArray();
        return entry => wanted.All(key => entry.Metadata.TryGetValue(key.Key, out string? value) && key.Values.Contains(value));
    }

    private FoundImages Page(IEnumerable<SearchResult> found, int top)
    {
        var results = found.ToList();
        return new([.. results.Take(top).Select(hit =>
        {
            bool isShown = images.FileOf(hit.Id, hit.Path) is not null;
            string id = Uri.EscapeDataString(hit.Id);
            return new FoundImage(hit.Id, float.IsNaN(hit.Score) ? null : hit.Score, hit.Metadata,
                isShown ? $"/v1/images/thumbnail?id={id}" : null, isShown ? $"/v1/images/original?id={id}" : null);
        })], results.Count > top);
    }
}
