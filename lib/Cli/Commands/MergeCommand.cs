using System.CommandLine;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Search;
using ClipNotebooks.Search.Postgres;
using ClipNotebooks.Search.Sharding;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook merge`: joins the shards that `clipbook embed` made into one index, in a folder or in PostgreSQL.</summary>
internal static class MergeCommand
{
    internal static Command Create()
    {
        Argument<string[]> shards = new("shard") { Description = "The folders that clipbook embed made, all of them; or one folder that " +
            "holds them; or one index.", Arity = ArgumentArity.OneOrMore };
        Option<string> index = new("--index") { Description = "The new index's folder, or PostgreSQL's connection string.",
            Required = true };
        Option<bool> salvage = new("--salvage") { Description = "Keep what is whole of one damaged index, and name what is lost." };
        Option<bool> json = new("--json") { Description = "Print JSON." };
        Command command = new("merge", $"""
            Puts shards together as one index, the same that clipbook index would have made of the whole folder. Checked before: every shard
            is there once and whole, all of one folder, one model and one storage, and no vector was damaged on the way. The shards stay as
            they are. Into PostgreSQL they come by COPY, all or nothing, into a table that has no images yet; so does one index that
            clipbook index made.

            Examples:
              clipbook merge shards/* --index artifacts/photos-index
              clipbook merge shards --index artifacts/photos-index --json      all shards in that folder
              clipbook merge shards --index "Host=localhost;Database=images;Username=me"
              clipbook merge artifacts/photos-index --index "postgresql://me@localhost/images?table=photos"
              clipbook merge artifacts/photos-index --index artifacts/mended-index --salvage

            {ExitCode.Help}
            """)
        {
            shards, index, salvage, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            string place = parsed.GetValue(index)!;
            if (parsed.GetValue(salvage)) return Salvage(parsed.GetValue(shards)!, place, parsed.GetValue(json), cancellation);
            string[] folders = [.. parsed.GetValue(shards)!.SelectMany(Shards)];
            int images = await ConsoleProgress.RunAsync("merging", 1, progress =>
                Task.Run(() => ImageStores.Merge(folders, place, progress, cancellation), CancellationToken.None));
            string shown = ImageStores.Shown(place), search = $"clipbook search \"…\" {Output.Again(place)}";
            if (parsed.GetValue(json)) Terminal.WriteJson(Output.Json(new { index = shown, shards = folders.Length, images }));
            else Terminal.WriteLine($"{images:N0} images of {folders.Length} shards can be found in {shown}: {search}");
            return ExitCode.Success;
        });
        return command;
    }

    private static int Salvage(string[] folders, string place, bool json, CancellationToken cancellation)
    {
        if (folders.Length != 1 || PgVectorImageStore.IsConnectionString(place))
            throw new UserError("--salvage takes one damaged index, and a folder for the new one.", ExitCode.Usage);
        var lost = ImageSearchIndex.Salvage(folders[0], place, cancellation);
        int images;
        using (var index = ImageSearchIndex.Open(place)) images = index.Count;
        if (json) Terminal.WriteJson(Output.Json(new { index = Path.GetFullPath(place), images, lost }));
        else Terminal.WriteLine($"{images:N0} images are kept in {place}.",
            $"{folders[0]} is as it was: index its images again if you can.");
        return Output.Unreadable(lost.Select(what => $"lost: {what}"));
    }

    /// <summary>A shard itself, or the shards inside a folder of them.</summary>
    private static IEnumerable<string> Shards(string path)
    {
        if (!Directory.Exists(path)) throw new UserError($"There is no folder {path} to merge.");
        if (ShardedIndex.IsShard(path) || ImageSearchIndex.Exists(path)) return [path];
        string[] inside = [.. Directory.GetDirectories(path).Where(ShardedIndex.IsShard).Order(StringComparer.Ordinal)];
        return inside.Length > 0 ? inside : throw new UserError($"{path} is no shard and holds none: clipbook embed makes them.");
    }
}
