using System.Collections.Concurrent;
using System.CommandLine;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Hub;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook download`: a published model, into the Hub cache.</summary>
internal static class DownloadCommand
{
    internal static Command Create()
    {
        Argument<string> id = new("id") { Description = "The model's Hub id, organisation/name." };
        Option<string> revision = new("--revision") { Description = "A branch, a tag or a commit.", DefaultValueFactory = _ => "main" };
        Command command = new("download", $"""
            Downloads a published model into the cache that Python's huggingface_hub uses too. An interrupted download goes on where it
            stopped. HF_HOME or HF_HUB_CACHE moves the cache, HF_TOKEN opens private models, HF_ENDPOINT names another server.

            Examples:
              clipbook download openai/clip-vit-base-patch32
              clipbook download openai/clip-vit-large-patch14 --revision main

            {ExitCode.Help}
            """)
        {
            id, revision,
        };
        command.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(id)!, parsed.GetValue(revision)!, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string id, string revision, CancellationToken cancellation)
    {
        if (!HuggingFaceHub.IsId(id)) throw new UserError($"\"{id}\" is not a model's id: organisation/name is expected, such as " +
            $"openai/clip-vit-base-patch32.", ExitCode.Usage);
        string folder = await Terminal.Rich().Progress().AutoClear(false)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new DownloadedColumn(),
                new TransferSpeedColumn(), new RemainingTimeColumn())
            .StartAsync(progress => new HuggingFaceHub().DownloadAsync(id, revision, new Bars(progress), cancellation));
        // Not wrapped at the console's width, so that the path can be copied.
        Terminal.WriteLine($"{id} is at {folder}");
        return ExitCode.Success;
    }

    /// <summary>A bar for each file.</summary>
    private sealed class Bars(ProgressContext context) : IProgress<HubProgress>
    {
        private readonly ConcurrentDictionary<string, ProgressTask> _bars = new(StringComparer.Ordinal);

        public void Report(HubProgress value) => _bars.GetOrAdd(
            value.File, name => context.AddTask(Markup.Escape(name), maxValue: Math.Max(1, value.Total))).Value = value.Done;
    }
}
