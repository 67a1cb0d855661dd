using System.CommandLine;
using System.Globalization;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Workbook;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook parity`: compares a model, step by step, with a recording of the same model elsewhere.</summary>
internal static class ParityCommand
{
    private const string RecordingName = "parity.safetensors";

    internal static Command Create()
    {
        Argument<string> folder = new("folder") { Description = "The model's folder, its file of weights, or a Hub id." };
        Option<string?> reference = new("--reference") { Description = $"The recording; {RecordingName} in the model's folder by " +
            $"default. Its inputs may lie beside it, in inputs.safetensors." };
        Option<double?> tolerance = new("--tolerance") { Description = "The relative error allowed; 1e-5 by default, 5e-5 for a ResNet." };
        Option<string?> record = new("--record") { Description = "Write a recording of this model on the sample images, instead of " +
            "comparing." };
        Command command = new("parity", $"""
            Compares a model with a recording of the same model elsewhere: tokens, pixels, patch embedding, each block, pooled, projected,
            logits. Names the first step that differs. What a recording holds: the documentation of ParityLadder. Something that differs
            gives exit code 1.

            Examples:
              clipbook parity models/vit-b-32 --reference recorded/outputs.safetensors
              clipbook parity data/models/tiny-clip --record artifacts/parity.safetensors
              clipbook parity data/models/tiny-clip --reference artifacts/parity.safetensors

            {ExitCode.Help}
            """)
        {
            folder, reference, tolerance, record,
        };
        command.SetAction(parsed => parsed.GetValue(record) is { } path
            ? Record(parsed.GetValue(folder)!, path)
            : Compare(HuggingFaceHub.Resolve(parsed.GetValue(folder)!), parsed.GetValue(reference), parsed.GetValue(tolerance)));
        return command;
    }

    private static int Record(string folder, string path)
    {
        using var encoder = ClipEncoder.FromPretrained(folder);
        var samples = Lesson.Samples(4);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        ParityLadder.Record(encoder, [.. samples.Select(s => s.Image)], [.. samples.Select(s => s.Captions[0])], path);
        Terminal.WriteLine($"{path}  {new FileInfo(path).Length:N0} bytes");
        return ExitCode.Success;
    }

    private static int Compare(string folder, string? reference, double? tolerance)
    {
        if (tolerance is { } limit && !(limit >= 0 && double.IsFinite(limit))) throw new UserError(
            $"--tolerance is {limit}; a number from 0 is needed.", ExitCode.Usage);
        string beside = File.Exists(folder) ? Path.GetDirectoryName(Path.GetFullPath(folder))! : folder,
            recording = reference ?? Path.Combine(beside, RecordingName);
        if (!File.Exists(recording)) throw new UserError($"There is no recording at {recording}: name one with --reference, or write one " +
            $"with --record.", ExitCode.Usage);
        using var model = ClipCheckpoint.FromPretrained(folder);
        var processor = ClipProcessor.IsIn(beside)
            ? ClipProcessor.FromPretrained(beside, model.Config.Text.ContextLength, model.Config.Vision.ImageSize) : null;
        var report = ParityLadder.Compare(model, recording, processor, tolerance);
        Terminal.Rich().Write(Table(report));
        Terminal.WriteLine(report.Summary);
        return report.Agrees ? ExitCode.Success : ExitCode.Failed;
    }

    private static Table Table(ParityReport report)
    {
        var table = new Table().RoundedBorder().AddColumn(new TableColumn("rung").NoWrap()).AddColumn("shape")
            .AddColumn(new TableColumn("max abs").RightAligned()).AddColumn(new TableColumn("relative").RightAligned())
                .AddColumn(new TableColumn("allowed").RightAligned()).AddColumn("");
        foreach (var rung in report.Rungs)
        {
            table.AddRow(
                Markup.Escape(rung.Name), string.Join(" × ", rung.Shape), Number(rung.MaxAbsoluteError), Number(rung.MaxRelativeError),
                    Number(rung.Tolerance),
                rung.Agrees ? "[green]agrees[/]"
                    : $"[red]{(ReferenceEquals(rung, report.FirstDivergence) ? "diverges first" : "diverges")}[/]" +
                $"{Markup.Escape(rung.Remark.Length > 0 ? $": {rung.Remark}" : "")}");
        }
        return table;
    }

    private static string Number(double value) => value.ToString("g3", CultureInfo.InvariantCulture);
}
