using System.CommandLine;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Workbook;
using ClipNotebooks.Workbook.Scenes;
using ClipNotebooks.Workbook.Training;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook evaluate`: how well a model does on held-out scenes, or on images of one's own.</summary>
internal static class EvaluateCommand
{
    private const string Scenes = "scenes", Emoji = "emoji";

    internal static Command Create()
    {
        var model = PreparedEncoder.ModelOption();
        Option<int> perConcept = new("--per-concept") { Description = "Scenes of each concept to classify.", DefaultValueFactory = _ =>
            25 };
        Option<int> pairs = new("--pairs") { Description = "Scenes in the retrieval.", DefaultValueFactory = _ => 200 };
        Option<string?> images = new("--images") { Description = "Classify these instead: a folder that holds one folder of images for " +
            "each class; with --captions, the folder that their images are in." };
        Option<string?> captions = new("--captions") { Description = "Retrieve these instead: a .json, .csv or .tsv file of captions " +
            "beside its images, or with --images." };
        Option<string?> templates = new("--templates") { Description = "With --images: a file of sentences with {} for the class's name, " +
            "one a line; \"a photo of a {}.\" by default." };
        Option<string> world = new("--world")
        {
            Description = "What it is measured on: scenes that the project draws, or emoji (with --data).",
            DefaultValueFactory = _ => Scenes,
        };
        world.AcceptOnlyFromAmong(Scenes, Emoji);
        Option<string?> data = new("--data") { Description = "With --world emoji: the folder that clipbook data emoji wrote." };
        Option<string?> style = new("--style") { Description = "With --world emoji: another designer than the one held out." };
        Option<string?> sheet = new("--sheet") { Description = "With --world emoji: a PNG file for the surest mistakes, beside what they " +
            "are taken for." };
        var precision = PreparedEncoder.Option(Precision.Float32);
        Option<bool> json = new("--json") { Description = "Print JSON." };
        Command command = new("evaluate", $"""
            Measures a model on scenes of held-out compositions: zero-shot top-1 over all concepts, retrieval both ways, the sample images'
            diagonal. On your own images: --images measures zero-shot classification (top-1, top-5, mean per-class recall), --captions
            retrieval among 1, 5 and 10 both ways, as CLIP's hit rate and as true recall. Images that cannot be read are named and left out,
            and the exit code is 1.
            --world emoji: naming the emoji of the designer that nothing was trained on, finding them by name and by held-out keywords, in
            English and Korean; by group; the surest mistakes. A keyword's picture is looked for among those that have not the keyword.

            Examples:
              clipbook evaluate
              clipbook evaluate --model artifacts/tiny-clip --json
              clipbook evaluate --images photos-by-class --templates templates.txt
              clipbook evaluate --captions photos/captions.csv
              clipbook evaluate --world emoji --data artifacts/emoji --model artifacts/emoji-clip --sheet look-alikes.png

            {ExitCode.Help}
            """)
        {
            model, perConcept, pairs, images, captions, templates, world, data, style, sheet, precision, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(perConcept) < 1 || parsed.GetValue(pairs) < 2)
                throw new UserError("--per-concept must be at least 1 and --pairs at least 2.", ExitCode.Usage);
            var (folder, file, prompts) = (parsed.GetValue(images), parsed.GetValue(captions), parsed.GetValue(templates));
            if (prompts is not null && (folder is null || file is not null))
                throw new UserError("--templates goes with --images, and not with --captions.", ExitCode.Usage);
            bool emoji = parsed.GetValue(world) == Emoji;
            if (emoji && (folder ?? file) is not null) throw new UserError(
                "--world emoji measures other things than --images and --captions: give one of them.", ExitCode.Usage);
            if (!emoji && (parsed.GetValue(data) ?? parsed.GetValue(style) ?? parsed.GetValue(sheet)) is not null) throw new UserError(
                "--data, --style and --sheet go with --world emoji.", ExitCode.Usage);
            if (emoji && parsed.GetValue(data) is null) throw new UserError(
                "--world emoji needs --data: the folder that clipbook data emoji wrote.", ExitCode.Usage);
            if (folder is not null && file is null)
            {
                var sentences = ClassifyCommand.Templates(prompts);
                if (!Directory.Exists(folder)) throw new UserError(
                    $"There is no folder {folder} of classes: one that holds a folder of images for each class is needed.");
                var dataset = ImageFolderDataset.Open(folder);
                return await MeasureAsync(
                    (clip, progress, stop) => dataset.Evaluate(clip, sentences, progress, stop), dataset.Files.Count,
                    report => new { report.Count, classes = dataset.ClassNames, report.Top1, report.Top5, report.MeanPerClassRecall,
                        report.Confusion }, report => Print(report, dataset.ClassNames.Count));
            }
            if (file is not null)
            {
                var dataset = Captions(file, folder);
                return await MeasureAsync((clip, progress, stop) => dataset.Evaluate(clip, progress, stop), dataset.Files.Count, report =>
                    report, Print);
            }

            using var encoder = PreparedEncoder.OpenWhole(parsed.GetValue(model) ?? Lesson.Model, parsed.GetValue(precision));
            if (emoji) return EmojiMeasure.Run(encoder, parsed.GetValue(data)!, parsed.GetValue(style), parsed.GetValue(sheet),
                parsed.GetValue(json));
            var result = SceneEvaluation.Measure(encoder, SceneWorld.HeldOut, parsed.GetValue(perConcept), parsed.GetValue(pairs));
            if (parsed.GetValue(json)) Terminal.WriteJson(Output.Json(result));
            else Print(result);
            return ExitCode.Success;

            async Task<int> MeasureAsync<T>(
                Func<ClipEncoder, IProgress<int>, CancellationToken, (T Report, IReadOnlyList<PreparedImage> Unreadable)> measure,
                    int total, Func<T, object> forJson, Action<T> print)
            {
                using var encoder = PreparedEncoder.OpenWhole(parsed.GetValue(model) ?? Lesson.Model, parsed.GetValue(precision));
                var (report, unreadable) = await ConsoleProgress.RunAsync("measuring", total, progress => Task.Run(() =>
                    measure(encoder, new Callback<int>(done => progress.Report((done, total))), cancellation), CancellationToken.None));
                if (parsed.GetValue(json)) Terminal.WriteJson(Output.Json(forJson(report)));
                else print(report);
                return Output.Unreadable(unreadable.Select(image => image.Problem!));
            }
        });
        return command;
    }

    /// <summary>The pairs in the file of --captions.</summary>
    internal static CaptionDataset Captions(string file, string? images) => GivenFile.Read(
        "--captions", file, "captions of images (.json, .csv or .tsv)", path => CaptionDataset.Open(path, images));

    private static void Print(ClassificationReport report, int classes)
    {
        var table = new Table().RoundedBorder().AddColumn($"{report.Count:N0} images of {classes:N0} classes")
            .AddColumn(new TableColumn("measured").RightAligned());
        table.AddRow("zero-shot top-1", $"{report.Top1:p1}");
        table.AddRow("zero-shot top-5", $"{report.Top5:p1}");
        table.AddRow("mean per-class recall", $"{report.MeanPerClassRecall:p1}");
        Terminal.Rich().Write(table);
    }

    private static void Print(RetrievalReport report)
    {
        var table = new Table().RoundedBorder().AddColumn($"{report.Images:N0} images, {report.Captions:N0} captions");
        foreach (var at in report.At) table.AddColumn(new TableColumn($"@{at.K}").RightAligned());
        Row("image to text, hit rate (CLIP's recall)", at => at.ImageToTextHitRate);
        Row("image to text, true recall", at => at.ImageToTextRecall);
        Row("text to image, hit rate (CLIP's recall)", at => at.TextToImageHitRate);
        Row("text to image, true recall", at => at.TextToImageRecall);
        Terminal.Rich().Write(table);

        void Row(string name, Func<RetrievalAt, double> figure) => table.AddRow([name, .. report.At.Select(at => $"{figure(at):p1}")]);
    }

    private static void Print(SceneEvaluation result)
    {
        var table = new Table().RoundedBorder().AddColumn("held-out scenes").AddColumn(new TableColumn("measured").RightAligned());
        table.AddRow($"zero-shot top-1, {result.Scenes:N0} scenes of {SyntheticScenes.Concepts.Count} concepts", $"{result.Top1:p1}");
        table.AddRow(Markup.Escape($"the weakest concept: {result.WorstConcept}"), $"{result.WorstTop1:p1}");
        table.AddRow($"text to image, recall@1 of {result.Pairs}", $"{result.TextToImageAt1:p1}");
        table.AddRow($"text to image, recall@5 of {result.Pairs}", $"{result.TextToImageAt5:p1}");
        table.AddRow($"image to text, recall@1 of {result.Pairs}", $"{result.ImageToTextAt1:p1}");
        table.AddRow($"image to text, recall@5 of {result.Pairs}", $"{result.ImageToTextAt5:p1}");
        table.AddRow("the 8 sample images: maxima on the diagonal, of 8 rows and 8 columns", $"{result.SampleDiagonal} of 16");
        Terminal.Rich().Write(table);
    }
}
