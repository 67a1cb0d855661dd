using System.ComponentModel;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Search;
using ModelContextProtocol;
using ModelContextProtocol.Server;

namespace ClipNotebooks.Cli.Service;

/// <summary>
/// The tools that assistants may call through the Model Context Protocol: a search of an index, and the classification of a picture.
/// </summary>
internal sealed class AssistantTools(BatchingEncoder clip, Classes classes, ImageStore? index, AllowedFolders folders)
{
    private const int MostResults = 50, MostLabels = 200;

    internal McpServerPrimitiveCollection<McpServerTool> Tools()
    {
        McpServerPrimitiveCollection<McpServerTool> tools = [McpServerTool.Create(ClassifyAsync, new()
        {
            Name = "classify_image",
            Title = "Classify a picture",
            Description = "Says which of the given labels a picture shows, with a probability each, the most probable first. Any labels " +
                "may be given; none were trained for.",
            ReadOnly = true,
            OpenWorld = false,
            UseStructuredContent = true,
        })];
        if (index is not null) tools.Add(McpServerTool.Create(SearchAsync, new()
        {
            Name = "search_images",
            Title = "Search pictures",
            Description = "Finds pictures of the index by what they show, by a picture that they resemble, or both; the most similar " +
                "first. score is a cosine similarity: compare scores with each other, not with a threshold.",
            ReadOnly = true,
            OpenWorld = false,
            UseStructuredContent = true,
        }));
        return tools;
    }

    [Description("Finds pictures.")]
    private Task<Found> SearchAsync(
        [Description("What the pictures shall show, in a few words, such as: a dog in the snow.")] string? text = null,
        [Description("What they shall not show.")] string? not = null,
        [Description("The id of a picture of the index, or the path of a picture's file, that they shall resemble.")] string? image = null,
        [Description("How many, 1 to 50.")] int top = 10,
        CancellationToken cancellationToken = default) => ToldAsync(async () =>
    {
        if (string.IsNullOrWhiteSpace(text) && string.IsNullOrWhiteSpace(image))
            throw new ArgumentException("There is nothing to search for: give a text, an image, or both.");
        if (top is < 1 or > MostResults) throw new ArgumentException($"top is {top}; 1 to {MostResults} are given.");
        var query = new SearchQuery();
        if (!string.IsNullOrWhiteSpace(text)) query = query.Plus(await TextAsync(text));
        if (!string.IsNullOrWhiteSpace(not)) query = query.Plus(await TextAsync(not), -0.5);
        if (!string.IsNullOrWhiteSpace(image)) query = query.Plus(await ImageAsync(image, cancellationToken));
        if (index is ImageSearchIndex folder) folder.Refresh();
        var hits = index!.Search(query, new SearchOptions { Top = top }, cancellationToken);
        return new Found([.. hits.Select(hit => new Hit(hit.Id, hit.Path, Math.Round(hit.Score, 4), hit.Metadata))]);

        async Task<float[]> TextAsync(string words) => (await clip.EmbedTextsAsync([words], cancellationToken))[0];
    });

    [Description("Classifies a picture.")]
    private Task<Classification> ClassifyAsync(
        [Description("The path of a picture's file, or the id of a picture of the index.")] string image,
        [Description("What it may show, each in a word or a few, such as: cat, dog, nobody.")] string[] labels,
        [Description("True where the picture may show several of the labels, or none.")] bool multiLabel = false,
        CancellationToken cancellationToken = default) => ToldAsync(async () =>
    {
        if (labels is not { Length: > 0 and <= MostLabels } || labels.Any(string.IsNullOrWhiteSpace)
            || labels.Distinct(StringComparer.Ordinal).Count() < labels.Length)
            throw new ArgumentException($"1 to {MostLabels} labels are needed, none of them empty or there twice.");
        float[] row = await ImageAsync(image, cancellationToken);
        var classifier = await classes.OfAsync(labels, PromptTemplates.Photo, multiLabel, cancellationToken);
        return new Classification(classifier.IsIndependent, [.. labels
            .Zip(classifier.Probabilities([row])[0], (label, value) => new LabelAnswer(label, Math.Round(value, 4)))
            .OrderByDescending(answer => answer.Probability)]);
    });

    private async Task<float[]> ImageAsync(string image, CancellationToken token)
    {
        string path = image.Length > 0 && index?.Find(image) is { } entry
            ? entry.Path ?? throw new ArgumentException($"\"{image}\" was added to the index without a file that could be opened.")
            : folders.Find(image);
        using var picture = SkiaImageDecoder.Shared.Decode(await Task.Run(() => ImageFileBytes.Read(path), token), path, token);
        return await clip.EmbedImageAsync(picture, path, token);
    }

    /// <summary>Tells the assistant of failures that it can fix; all others stay on the error stream.</summary>
    private static async Task<T> ToldAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception problem) when (problem is ArgumentException or InvalidDataException or IOException or UnauthorizedAccessException
            or QueueFullException or NonFiniteException)
        {
            throw new McpException(problem.Message.Split(" (Parameter")[0], problem);
        }
    }

    internal sealed record Hit(string Id, string? Path, double Score, IReadOnlyDictionary<string, string> Metadata);

    internal sealed record Found(IReadOnlyList<Hit> Results);
}
