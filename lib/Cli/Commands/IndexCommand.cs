using System.CommandLine;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Search.Postgres;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook index`: a folder's images, made searchable.</summary>
internal static class IndexCommand
{
    internal static Command Create()
    {
        Argument<string> folder = new("folder") { Description = "The images, at any depth." };
        Option<string> index = new("--index") { Description = "The index's folder, or PostgreSQL's connection string; made if it is not " +
            "there, else brought up to date.", Required = true };
        var model = PreparedEncoder.ModelOption();
        Option<bool> half = new("--float16") { Description = "Keep a new index's vectors in two bytes a value: half the size, scores " +
            "within 0.001." };
        var precision = PreparedEncoder.Option();
        var draft = PreparedEncoder.DraftOption();
        Option<bool> json = new("--json") { Description = "Print JSON." };
        Command command = new("index", $"""
            Makes the images of a folder searchable, or brings an index up to date: new and changed files are encoded, files that are gone
            disappear. What is interrupted is continued by the next call. Files that cannot be read are named on the error stream, and the
            exit code is 1.

            Examples:
              clipbook index photos --index artifacts/photos-index
              clipbook index photos --index artifacts/photos-index --model openai/clip-vit-base-patch32 --float16
              clipbook index photos --index artifacts/photos-index --json
              clipbook index photos --index "Host=localhost;Database=images;Username=me"       into PostgreSQL with pgvector
              clipbook index photos --index "postgresql://me@localhost/images?table=photos"     into another table than clip_images

            A password for PostgreSQL is better given in PGPASSWORD or a password file (PGPASSFILE) than in the connection string, which
            other users may see.

            {ExitCode.Help}
            """)
        {
            folder, index, model, half, precision, draft, json,
        };
        command.SetAction((parsed, cancellation) => RunAsync(
            parsed.GetValue(folder)!, parsed.GetValue(index)!, parsed.GetValue(model) ?? Lesson.Model, parsed.GetValue(half),
                parsed.GetValue(precision), parsed.GetValue(draft), parsed.GetValue(json), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string folder, string place, string model, bool half, Precision precision, bool draft,
        bool json, CancellationToken cancellation)
    {
        if (!Directory.Exists(folder)) throw new UserError($"There is no folder {folder} to index.");
        var (opened, chosen) = PreparedEncoder.OpenForIndex(model, precision);
        using var encoder = opened;
        using var index = ImageStores.OpenOrCreate(place, encoder, PreparedEncoder.Options(encoder, half, draft));
        var report = await ConsoleProgress.RunAsync("indexing", progress =>
            index.AddFolderAsync(folder, progress: progress, cancellationToken: cancellation));
        if (json)
            Terminal.WriteJson(Output.Json(new
            {
                index = index.Place,
                images = index.Count,
                precision = chosen,
                added = report.Added,
                updated = report.Updated,
                unchanged = report.Unchanged.Count,
                removed = report.Removed,
                unreadable = report.Unreadable,
            }));
        else
            Terminal.WriteLine(
                $"{report}", $"Computed in {chosen}.",
                $"{index.Count:N0} images can be found in {index.Place}: clipbook search \"…\" {Output.Again(place)}");
        return Output.Unreadable(report.Unreadable.Select(
            file => file.Reason.Contains(file.Path, StringComparison.Ordinal) ? file.Reason : $"{file.Path}: {file.Reason}"));
    }
}
