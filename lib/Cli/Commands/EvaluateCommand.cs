using System.CommandLine;
using System.Text.Json;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Workbook;
using ClipNotebooks.Workbook.Scenes;
using ClipNotebooks.Workbook.Training;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook evaluate`: how well a model does on held-out scenes.</summary>
internal static class EvaluateCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal static Command Create()
    {
        Option<string?> model = new("--model") { Description = "The model's folder or Hub id; CLIP_MODEL or the embedded model by default." };
        Option<int> perConcept = new("--per-concept") { Description = "Scenes of each concept to classify.", DefaultValueFactory = _ => 25 };
        Option<int> pairs = new("--pairs") { Description = "Scenes in the retrieval.", DefaultValueFactory = _ => 200 };
        Option<bool> json = new("--json") { Description = "Print JSON." };
        Command command = new("evaluate", $"""
            Measures a model on scenes of held-out compositions: zero-shot top-1 over all concepts, retrieval both ways, the sample images' diagonal.

            Examples:
              clipbook evaluate
              clipbook evaluate --model artifacts/tiny-clip --json

            {ExitCode.Help}
            """)
        {
            model, perConcept, pairs, json,
        };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(perConcept) < 1 || parsed.GetValue(pairs) < 2)
                throw new UserError("--per-concept must be at least 1 and --pairs at least 2.", ExitCode.Usage);
            using var encoder = ClipEncoder.FromPretrained(parsed.GetValue(model) ?? Lesson.Model);
            var result = SceneEvaluation.Measure(encoder, SceneWorld.HeldOut, parsed.GetValue(perConcept), parsed.GetValue(pairs));
            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(result, Indented));
            else Print(result);
            return ExitCode.Success;
        });
        return command;
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
        AnsiConsole.Write(table);
    }
}
