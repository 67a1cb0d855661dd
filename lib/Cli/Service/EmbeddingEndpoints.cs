using ClipNotebooks.Core.Inference;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ClipNotebooks.Cli.Service;

/// <summary>The endpoints that need a model but no index: embeddings and classification.</summary>
internal sealed class EmbeddingEndpoints(BatchingEncoder clip, UploadReader uploads, Classes classes, ServiceOptions options)
{
    internal void Map(IEndpointRouteBuilder app)
    {
        app.MapPost("/v1/embeddings/texts", TextsAsync).WithSummary("Embeds captions.").Produces<TextEmbeddings>()
            .WithMetadata(new BodyLimit(options.MaxTextBytes));
        app.MapPost("/v1/embeddings/images", ImagesAsync).WithSummary("Embeds pictures.").Produces<ImageEmbeddings>()
            .Takes("One picture, or a form with several files.");
        app.MapPost("/v1/classify", ClassifyAsync).WithSummary("Says which of the given classes a picture shows.")
            .Produces<Classification>().Takes("The picture; of a form also the fields, which else stand in the address.", new()
            {
                ["label"] = "A class; given once for each.",
                ["template"] = "A sentence with {} for the name; may be given several times, and their mean is taken.",
                ["multiLabel"] = "true: a picture may show several classes or none.",
                ["top"] = "How many of the most probable classes are answered; all by default.",
            }, inAddress: true);
    }

    private async Task<IResult> TextsAsync(TextsRequest request, CancellationToken token)
    {
        var texts = request.Texts ?? [];
        Check(texts, "texts", options.MaxTexts);
        return Results.Ok(new TextEmbeddings(clip.Encoder.Source, clip.Encoder.Width, await clip.EmbedTextsAsync(texts, token)));
    }

    private async Task<IResult> ImagesAsync(HttpContext context, CancellationToken token)
    {
        var pictures = (await uploads.ReadAsync(context.Request, keepBytes: false, token)).Pictures;
        if (pictures.Count == 0) throw ApiProblem.Request("The form has no file: send at least one picture.");
        float[][] rows = await clip.EmbedPixelsAsync(
            [.. pictures.Select(picture => picture.Pixels)], [.. pictures.Select(picture => picture.Name)], token);
        return Results.Ok(new ImageEmbeddings(clip.Encoder.Source, clip.Encoder.Width,
            [.. pictures.Zip(rows, (picture, row) => new ImageEmbedding(picture.Name, row))]));
    }

    private async Task<IResult> ClassifyAsync(HttpContext context, CancellationToken token)
    {
        var upload = await uploads.ReadAsync(context.Request, keepBytes: false, token);
        var picture = upload.One();
        string[] labels = Values("label"), templates = Values("template");
        Check(labels, "label", options.MaxTexts);
        if (labels.GroupBy(label => label, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } repeated)
            throw ApiProblem.Request($"The label \"{repeated.Key}\" is there {repeated.Count()} times; labels differ from each other.");
        if (templates.Length == 0) templates = [.. PromptTemplates.Photo];
        if (templates.FirstOrDefault(template => !template.Contains(PromptTemplates.Gap, StringComparison.Ordinal)) is { } gapless)
            throw ApiProblem.Request($"The template \"{gapless}\" has no {PromptTemplates.Gap} for the class's name.");
        if ((long)labels.Length * templates.Length > options.MaxCaptions)
            throw ApiProblem.TooLarge($"{labels.Length} labels in {templates.Length} templates are more than {options.MaxCaptions:N0} " +
                "captions. Give fewer of either.");
        bool multiLabel = Values("multiLabel") is [.., var given] && (bool.TryParse(given, out bool several) ? several
            : throw ApiProblem.Request($"multiLabel is \"{given}\"; true or false is needed."));
        int top = Values("top") is not [.., var number] ? labels.Length : int.TryParse(number, out int most) && most > 0 ? most
            : throw ApiProblem.Request($"top is \"{number}\"; a number from 1 is needed.");
        float[] row = (await clip.EmbedPixelsAsync([picture.Pixels], [picture.Name], token))[0];
        var classifier = await classes.OfAsync(labels, templates, multiLabel, token);
        return Results.Ok(new Classification(classifier.IsIndependent, [.. labels
            .Zip(classifier.Probabilities([row])[0], (label, value) => new LabelAnswer(label, value))
            .OrderByDescending(answer => answer.Probability).Take(top)]));

        // If the body is the picture itself, the fields are query parameters.
        string[] Values(string name) => upload.Fields.TryGetValue(name, out var fields) ? [.. fields]
            : [.. context.Request.Query[name].OfType<string>()];
    }

    private static void Check(IReadOnlyList<string> texts, string name, int most)
    {
        if (texts.Count == 0) throw ApiProblem.Request($"\"{name}\" is missing or empty: at least one is needed.");
        if (texts.Count > most)
            throw ApiProblem.TooLarge($"\"{name}\" is there {texts.Count:N0} times; at most {most:N0} go in a request.");
        foreach (var (place, text) in texts.Index())
            if (string.IsNullOrWhiteSpace(text)) throw ApiProblem.Request($"\"{name}\" number {place + 1} of {texts.Count} is empty.");
    }
}
