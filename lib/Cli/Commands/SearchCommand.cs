using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Search;
using ClipNotebooks.Search.Postgres;
using ClipNotebooks.Workbook;
using ClipNotebooks.Workbook.Views;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook search`: finds images by words, by an image, and by what they must not show.</summary>
internal static class SearchCommand
{
    private const int ThumbnailSide = 240;

    internal static Command Create()
    {
        Argument<string?> text = new("text") { Description = "What the images shall show.", Arity = ArgumentArity.ZeroOrOne };
        Option<string> index = new("--index") { Description = "The index's folder or PostgreSQL's connection string, as `clipbook index` " +
            "made it.", Required = true };
        Option<string?> image = new("--image") { Description = "An image that the results shall resemble, alone or beside the text." };
        Option<string[]> not = new("--not") { Description = "What they shall not show; may be given several times." };
        var model = PreparedEncoder.ModelOption("The model that made the index");
        Option<int> top = new("--top") { Description = "How many results.", DefaultValueFactory = _ => 10 };
        Option<bool> json = new("--json") { Description = "Print JSON." };
        Option<string?> gallery = new("--gallery") { Description = "Write the results as a page with thumbnails to this file." };
        Option<bool> open = new("--open") { Description = "Open that page in the browser; without --gallery it is a temporary file." };
        Command command = new("search", $"""
            Finds the images of an index that fit a text or resemble an image, the most similar first. Words of --not count half, with a
            minus.

            Examples:
              clipbook search "a sunset over the ocean" --index artifacts/photos-index
              clipbook search "a dog" --not snow --top 20 --json --index artifacts/photos-index
              clipbook search --image cat.jpg --open --index artifacts/photos-index
              clipbook search "a dog" --index "Host=localhost;Database=images;Username=me"

            {ExitCode.Help}
            """)
        {
            text, index, image, not, model, top, json, gallery, open,
        };
        command.SetAction((parsed, cancellation) =>
        {
            if (parsed.GetValue(top) is < 1 and var few) throw new UserError($"--top is {few}; it must be at least 1.", ExitCode.Usage);
            var (words, picture, without) = (parsed.GetValue(text), parsed.GetValue(image), parsed.GetValue(not) ?? []);
            if (string.IsNullOrWhiteSpace(words) && picture is null) throw new UserError(
                "There is nothing to search for: give a text, or an image with --image.", ExitCode.Usage);
            if (without.Any(string.IsNullOrWhiteSpace)) throw new UserError("A --not is empty.", ExitCode.Usage);
            var query = Query(words, picture, without);
            string place = parsed.GetValue(index)!;
            if (!PgVectorImageStore.IsConnectionString(place) && !ImageSearchIndex.Exists(place)) throw new UserError(
                $"{place} holds no index. Make one: clipbook index FOLDER --index {Terminal.Word(place)}");

            using var encoder = ClipEncoder.ForInference(parsed.GetValue(model) ?? Lesson.Model);
            using var opened = ImageStores.Open(place, encoder);
            var results = opened.Search(query, new SearchOptions { Top = parsed.GetValue(top) }, cancellation);
            string asked = string.Join(", ", new[] { words, picture is null ? null : $"like {Path.GetFileName(picture)}" }.Concat(
                without.Select(word => $"not {word}")).Where(part => !string.IsNullOrWhiteSpace(part)));
            var listed = results.Select((hit, i) => new { rank = i + 1, id = hit.Id, path = hit.Path, score = Math.Round(hit.Score, 5) });
            if (parsed.GetValue(json)) Terminal.WriteJson(Output.Json(new { query = asked, results = listed }));
            else Print(results);
            if (parsed.GetValue(gallery) is not null || parsed.GetValue(open))
            {
                string page = Path.GetFullPath(parsed.GetValue(gallery)
                    ?? Path.Combine(Directory.CreateTempSubdirectory("clipbook-").FullName, "search.html"));
                var missing = WriteGallery(page, asked, results);
                Terminal.WriteError($"clipbook: the gallery is {page}");
                if (parsed.GetValue(open)) Open(page);
                return Task.FromResult(Output.Unreadable(missing));
            }
            return Task.FromResult(ExitCode.Success);
        });
        return command;
    }

    private static SearchQuery Query(string? text, string? image, string[] without)
    {
        var query = new SearchQuery();
        if (!string.IsNullOrWhiteSpace(text)) query = query.Plus(text);
        if (image is not null) query = query.Plus(GivenFile.Read("--image", image, "a picture", RasterImage.Load));
        return without.Aggregate(query, (sum, word) => sum.Minus(word, 0.5));
    }

    private static void Print(IReadOnlyList<SearchResult> results)
    {
        var console = Terminal.Rich();
        if (results.Count == 0)
        {
            console.WriteLine("The index holds no image yet.");
            return;
        }
        var table = new Table().RoundedBorder().AddColumn(new TableColumn("#").RightAligned())
            .AddColumn(new TableColumn("similarity").RightAligned()).AddColumn("").AddColumn("image");
        foreach (var (i, result) in results.Index())
        {
            string id = Terminal.Shown(result.Id);
            table.AddRow(new Text($"{i + 1}"), new Text($"{result.Score:0.000}"), new Text(Output.Bar(result.Score)), new Text(id));
        }
        console.Write(table);
    }

    /// <summary>Writes a self-contained page, with the thumbnails in it.</summary>
    /// <returns>For each result without a file that can be read, why it is not on the page.</returns>
    private static List<string> WriteGallery(string page, string asked, IReadOnlyList<SearchResult> results)
    {
        asked = Terminal.Shown(asked);
        var square = new ClipImageTransform(new ImageTransformConfig { Size = ThumbnailSide, ResizeSize = ThumbnailSide });
        var (shown, missing) = (new List<(RasterImage, string, double)>(), new List<string>());
        foreach (var result in results)
        {
            try
            {
                if (result.Path is null) missing.Add($"{result.Id} is not on the gallery: it was added from memory, without a file.");
                else
                {
                    using var image = RasterImage.Load(result.Path);
                    shown.Add((square.Crop(image), Terminal.Shown(result.Id), result.Score));
                }
            }
            catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                missing.Add($"{result.Id} is not on the gallery: {exception.Message}");
            }
        }
        string html = $$"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>{{System.Net.WebUtility.HtmlEncode(asked)}}</title>
            <style>:root{color-scheme:light dark}
            body{font:16px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em}</style></head>
            <body>{{new SearchGallery(asked, shown).ToHtml()}}</body></html>
            """;
        Directory.CreateDirectory(Path.GetDirectoryName(page)!);
        AtomicFile.Write(page, html);
        return missing;
    }

    private static void Open(string page)
    {
        try
        {
            Process.Start(new ProcessStartInfo(page) { UseShellExecute = true })?.Dispose();
        }
        catch (Win32Exception)
        {
            Terminal.WriteError("clipbook: no browser could be started here; open the file yourself.");
        }
    }
}
