using System.CommandLine;
using System.Diagnostics;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Search;
using ClipNotebooks.Search.Sharding;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook embed`: embeds one part (shard) of a folder's images, so that many jobs can share the work.</summary>
internal static class EmbedCommand
{
    internal static Command Create()
    {
        Argument<string> folder = new("folder") { Description = "All images, at any depth; the same path for every job." };
        Option<string> output = new("--output") { Description = "The shard's own folder; made if it is not there, else continued.",
            Required = true };
        Option<string> shard = new("--shard") { Description = "Which part of how many, such as 3/64.", DefaultValueFactory = _ => "1/1" };
        var model = PreparedEncoder.ModelOption("The model's folder or Hub id, the same for every job");
        Option<bool> half = new("--float16") { Description = "Keep vectors in two bytes a value: half the size, scores within 0.001." };
        var precision = PreparedEncoder.Option();
        var draft = PreparedEncoder.DraftOption();
        Option<bool> json = new("--json") { Description = "Print JSON." };
        Command command = new("embed", $"""
            Embeds one part of a folder's images, so that many machines share the work: one job a shard, under any batch scheduler. A file's
            shard follows from its path below the folder alone, so jobs need not speak to each other. A job that was killed is continued by
            the same command. clipbook merge puts the shards together. Files that cannot be read are named on the error stream and in the
            shard's shard.json; the shard is whole without them, and the exit code is 0.

            Examples:
              clipbook embed photos --output shards/3 --shard 3/64
              clipbook embed photos --output shards/3 --shard 3/64 --model openai/clip-vit-base-patch32 --float16 --json
              clipbook embed /data/photos --output /data/shards/$SLURM_ARRAY_TASK_ID --shard $SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT

            {ExitCode.Help}
            """)
        {
            folder, output, shard, model, half, precision, draft, json,
        };
        command.SetAction((parsed, cancellation) => RunAsync(
            parsed.GetValue(folder)!, parsed.GetValue(output)!, ParseShard(parsed.GetValue(shard)!), parsed.GetValue(model) ?? Lesson.Model,
                parsed.GetValue(half), parsed.GetValue(precision), parsed.GetValue(draft), parsed.GetValue(json), cancellation));
        return command;
    }

    private static Shard ParseShard(string text)
    {
        try
        {
            return Shard.Parse(text);
        }
        catch (FormatException problem)
        {
            throw new UserError($"--shard: {problem.Message}", ExitCode.Usage, problem);
        }
    }

    private static async Task<int> RunAsync(string folder, string output, Shard shard, string model, bool half, Precision precision,
        bool draft, bool json, CancellationToken cancellation)
    {
        if (!Directory.Exists(folder)) throw new UserError($"There is no folder {folder} to embed.");
        var (opened, chosen) = PreparedEncoder.OpenForIndex(model, precision);
        using var encoder = opened;
        var options = PreparedEncoder.Options(encoder, half, draft);
        var clock = Stopwatch.StartNew();
        var report = await ConsoleProgress.RunAsync($"embedding shard {shard}", progress =>
            ShardedIndex.EmbedAsync(folder, output, shard, encoder, options, progress, cancellation));
        double seconds = clock.Elapsed.TotalSeconds, rate = (report.Added.Count + report.Updated.Count) / seconds;
        int images;
        using (var index = ImageSearchIndex.Open(output)) images = index.Count;
        if (json)
            Terminal.WriteJson(Output.Json(new
            {
                shard = $"{shard}",
                output = Path.GetFullPath(output),
                images,
                precision = chosen,
                added = report.Added.Count,
                updated = report.Updated.Count,
                unchanged = report.Unchanged.Count,
                removed = report.Removed.Count,
                unreadable = report.Unreadable,
                seconds = Math.Round(seconds, 2),
                imagesPerSecond = Math.Round(rate, 1),
            }));
        else
            Terminal.WriteLine(
                $"{report}",
                $"Shard {shard} is whole: {images:N0} images in {output}, {rate:N1} images/s, computed in {chosen}."
                + $"{(shard.Count > 1 ? $" With all {shard.Count}: clipbook merge SHARD… --index FOLDER" : "")}");
        foreach (var file in report.Unreadable) Terminal.WriteError($"clipbook: {file.Reason}");
        return ExitCode.Success;
    }
}
