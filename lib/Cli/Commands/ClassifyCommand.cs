using System.CommandLine;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Workbook;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook classify`: which of the given classes each image shows.</summary>
internal static class ClassifyCommand
{
    private const string Independent = "Each probability stands by itself: they need not add up to 100 %.";

    internal static Command Create()
    {
        Argument<string[]> images = new("image") { Description = "Image files, or folders whose images are taken at any depth.",
            Arity = ArgumentArity.OneOrMore };
        Option<string> labels = new("--labels") { Description = "The class names: a,b,c or @file with one a line.", Required = true };
        Option<string?> templates = new("--templates") { Description = "A file of sentences with {} for the name, one a line; \"a photo " +
            "of a {}.\" by default." };
        var model = PreparedEncoder.ModelOption();
        Option<int> top = new("--top") { Description = "How many classes to show of each image.", DefaultValueFactory = _ => 5 };
        var precision = PreparedEncoder.Option();
        Option<bool> multiLabel = new("--multi-label") { Description = "An image may show several classes or none: each has a " +
            "probability of its own." };
        Option<bool> json = new("--json") { Description = "Print JSON, one object a line for each image, as soon as it is known." };
        Command command = new("classify", $"""
            Says which of the given classes an image shows (zero-shot: no training on them). Images that cannot be read are named on the
            error stream, the others are classified, and the exit code is 1. A model that was trained with a sigmoid for each pair, as
            SigLIP's were, gives each class a probability of its own; they then need not add up to 100 %, and the output says so.

            Examples:
              clipbook classify cat.jpg --labels cat,dog,pizza
              clipbook classify photos --labels @labels.txt --templates templates.txt --top 3 --json > answers.jsonl
              clipbook classify street.jpg --labels car,bicycle,tree --multi-label

            {ExitCode.Help}
            """)
        {
            images, labels, templates, model, top, multiLabel, precision, json,
        };
        command.SetAction((parsed, cancellation) =>
        {
            if (parsed.GetValue(top) is < 1 and var few) throw new UserError($"--top is {few}; it must be at least 1.", ExitCode.Usage);
            var names = LabelList.Parse(parsed.GetValue(labels)!);
            var sentences = Templates(parsed.GetValue(templates)) ?? PromptTemplates.Photo;
            var files = Files(parsed.GetValue(images)!);
            return Task.Run(() => RunAsync(files, names, sentences, parsed.GetValue(model) ?? Lesson.Model, parsed.GetValue(precision),
                parsed.GetValue(top), parsed.GetValue(multiLabel), parsed.GetValue(json), cancellation), CancellationToken.None);
        });
        return command;
    }

    /// <summary>The sentences in the file of --templates; null if there is none.</summary>
    internal static IReadOnlyList<string>? Templates(string? file) => file is null ? null
        : GivenFile.Read("--templates", file, "one sentence with {} a line", PromptTemplates.Load);

    private static async Task<int> RunAsync(
        List<string> files, IReadOnlyList<string> labels, IReadOnlyList<string> templates, string model, Precision precision, int top,
            bool multiLabel, bool json, CancellationToken cancellation)
    {
        var (opened, _) = PreparedEncoder.Open(model, precision, files.Count + labels.Count * templates.Count);
        using var encoder = opened;
        using var classifier = new ZeroShotClassifier(encoder, labels, templates, multiLabel);
        var unreadable = new List<string>();
        // On a terminal a progress bar and tables would overwrite each other, so the tables are written after the bar has ended.
        var waiting = new List<Action>();
        bool bar = files.Count > ClipEncoder.DefaultBatch && ConsoleProgress.HasTerminal;
        if (bar) await ConsoleProgress.RunAsync("classifying", files.Count, progress => Task.FromResult(Classify(progress)));
        else Classify(null);
        waiting.ForEach(write => write());
        if (classifier.IsIndependent && !json) Terminal.WriteLine(Independent);
        return Output.Unreadable(unreadable);

        int Classify(IProgress<(int, int)>? progress)
        {
            int done = 0;
            foreach (var batch in ImageFiles.Prepare(files, encoder.Processor.Transform, cancellationToken: cancellation))
            {
                PreparedImage[] read = [.. batch.Where(image => image.Pixels is not null)];
                double[][] probabilities = read.Length == 0 ? [] : classifier.Probabilities(                                  // N × (C)
                    encoder.EmbedPixels([.. read.Select(image => image.Pixels!)], [.. read.Select(image => image.Path)]));
                int row = 0;
                foreach (var image in batch)
                {
                    if (image.Problem is { } problem) unreadable.Add(problem);
                    var answers = image.Pixels is null ? [] : Ranked(probabilities[row++], labels, top);
                    if (bar && !Console.IsOutputRedirected) waiting.Add(() => Write(image, answers, json, classifier.IsIndependent));
                    else Write(image, answers, json, classifier.IsIndependent);
                }
                progress?.Report((done += batch.Count, files.Count));
            }
            return done;
        }
    }

    private static (string Label, double Probability)[] Ranked(double[] probabilities, IReadOnlyList<string> labels, int top) =>
        [.. labels.Zip(probabilities).OrderByDescending(answer => answer.Second).Take(top)];

    private static void Write(PreparedImage image, (string Label, double Probability)[] answers, bool json, bool isIndependent)
    {
        if (json)
        {
            Terminal.WriteJson(Output.JsonLine(image.Problem is null
                ? (object)new
                {
                    file = image.Path,
                    isIndependent,
                    classes = answers.Select(answer => new { label = answer.Label, probability = Math.Round(answer.Probability, 6) }),
                }
                : new { file = image.Path, error = image.Problem }));
            return;
        }
        if (image.Problem is not null) return;
        var table = new Table().NoBorder().HideHeaders().AddColumn("label").AddColumn(new TableColumn("probability").RightAligned())
            .AddColumn("bar");
        foreach (var (label, probability) in answers)
            table.AddRow(new Text("  " + Terminal.Shown(label)), new Text($"{probability:p1}"), new Text(Output.Bar(probability)));
        Terminal.WriteLine(image.Path);
        Terminal.Rich().Write(table);
    }

    /// <summary>The image files to classify; a folder is replaced by the images in it.</summary>
    private static List<string> Files(string[] paths)
    {
        var files = new List<string>();
        foreach (string path in paths)
        {
            var found = Directory.Exists(path) ? ImageFiles.In(path) : [path];
            if (found.Count == 0) throw new UserError($"{path} holds no image: {string.Join(", ", ImageFiles.Extensions)} are read.");
            files.AddRange(found);
        }
        return files;
    }
}
