using System.CommandLine;
using System.Diagnostics;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Text;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Workbook.Scenes;
using ClipNotebooks.Workbook.Training;
using Spectre.Console;
using TorchSharp;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook train`: the embedded model, from a seed.</summary>
internal static class TrainCommand
{
    internal static Command Create()
    {
        Option<string> output = new("--output") { Description = "The model's folder.", DefaultValueFactory = _ => "artifacts/tiny-clip" };
        Option<int> seed = new("--seed") { Description = "Fixes the weights and the scenes.", DefaultValueFactory = _ => 1 };
        Option<int> steps = new("--steps") { Description = "Optimizer steps.", DefaultValueFactory = _ => 5000 };
        Option<int> batch = new("--batch") { Description = "Pairs in a batch of captions.", DefaultValueFactory = _ => 64 };
        Option<bool> resume = new("--resume") { Description = "Continue from the checkpoint that an interrupted run left in the folder." };
        Command command = new("train", $"""
            Trains the tiny CLIP from a seed on scenes that the project draws: the recipe of data/models/tiny-clip.
            Ctrl-C writes train.checkpoint into the folder; --resume continues from it to the same result.

            Examples:
              clipbook train --output artifacts/tiny-clip
              clipbook train --output artifacts/tiny-clip --resume
              clipbook train --output artifacts/quick --steps 200

            {ExitCode.Help}
            """)
        {
            output, seed, steps, batch, resume,
        };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(
            parsed.GetValue(output)!, parsed.GetValue(seed), parsed.GetValue(steps), parsed.GetValue(batch), parsed.GetValue(resume), cancellation), CancellationToken.None));
        return command;
    }

    private static int Run(string folder, int seed, int steps, int batch, bool resume, CancellationToken cancellation)
    {
        if (steps < 1 || batch < 2) throw new UserError($"--steps is {steps} and --batch {batch}; they must be at least 1 and 2.", ExitCode.Usage);
        string checkpoint = Path.Combine(folder, "train.checkpoint");
        if (resume && !File.Exists(checkpoint)) throw new UserError($"There is nothing to resume: {checkpoint} is not there. Leave out --resume to begin anew.", ExitCode.Usage);

        var tokenizer = resume ? ClipTokenizer.Load(folder, TinyClip.ContextLength) : TinyClip.WriteVocabulary(folder);
        using var model = TinyClip.Create(tokenizer, seed);
        using var trainer = new ClipTrainer(model, TinyClip.Options(steps));
        if (resume) trainer.Resume(checkpoint);
        var processor = new ClipProcessor(new(TinyClip.Transform), tokenizer);
        var batches = new SceneBatches(tokenizer, processor.Transform, batch, seed);
        AnsiConsole.WriteLine($"{model.parameters().Sum(p => p.numel()):N0} parameters, vocabulary {tokenizer.VocabularySize}, {steps} steps, batches of {batch} captions, seed {seed}{(resume ? $", from step {trainer.Step}" : "")}.");
        try
        {
            Watch(trainer, model, processor, batches, steps, cancellation);
        }
        catch (OperationCanceledException)
        {
            trainer.Save(checkpoint);
            AnsiConsole.WriteLine($"Stopped after step {trainer.Step}; to continue: clipbook train --output {folder} --seed {seed} --steps {steps} --batch {batch} --resume");
            return ExitCode.Cancelled;
        }
        TinyClip.Save(model, folder);
        File.Delete(checkpoint);
        AnsiConsole.WriteLine($"Written to {folder}. Measure it: clipbook evaluate --model {folder}");
        return ExitCode.Success;
    }

    private static void Watch(ClipTrainer trainer, ClipModel model, ClipProcessor processor, SceneBatches batches, int steps, CancellationToken cancellation)
    {
        bool terminal = AnsiConsole.Profile.Capabilities.Interactive;
        int every = Math.Max(1, steps / 20);
        var clock = Stopwatch.StartNew();
        long start = trainer.Step;
        double loss = double.NaN;
        string retrieval = "";
        AnsiConsole.Progress().AutoClear(false).Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).Start(progress =>
        {
            var bar = progress.AddTask("training", maxValue: steps);
            bar.Value = start;
            trainer.Train(batches.Batch, new Callback(step =>
            {
                loss = double.IsNaN(loss) ? step.Loss : 0.95 * loss + 0.05 * step.Loss;
                bool look = step.Step % every == 0 || step.Step == steps;
                if (look) retrieval = $"held-out R@1 of 100: {HeldOut(model, processor):p0}";
                bar.Value = step.Step;
                bar.Description = Markup.Escape($"loss {loss:f3}  τ {1 / step.Scale:f4}  {retrieval}");
                if (look && !terminal)
                {
                    var left = TimeSpan.FromSeconds(clock.Elapsed.TotalSeconds / (step.Step - start) * (steps - step.Step));
                    AnsiConsole.WriteLine($"step {step.Step,6} of {steps}  loss {loss:f4}  temperature {1 / step.Scale:f4}  {retrieval}  {clock.Elapsed:hh\\:mm\\:ss} gone, {left:hh\\:mm\\:ss} left");
                }
            }), cancellation);
        });
    }

    /// <summary>Text → image recall@1 among the first 100 held-out scenes, drawn at the model's size.</summary>
    private static double HeldOut(ClipModel model, ClipProcessor processor)
    {
        using var scope = torch.NewDisposeScope();
        using var _ = torch.no_grad();
        model.eval();
        var scenes = Enumerable.Range(0, 100).Select(i => SyntheticScenes.Create(SceneWorld.HeldOut, i)).ToList();
        var images = torch.nn.functional.normalize(model.EncodeImage(processor.Images([.. scenes.Select(s => s.Draw(TinyClip.ImageSize))])), p: 2, dim: -1);
        var texts = torch.nn.functional.normalize(model.EncodeText(processor.Texts([.. scenes.Select(s => s.Captions[0])])), p: 2, dim: -1);
        return Retrieval.RecallAt(texts.mm(images.t()), 1);
    }

    /// <summary>Calls at once, on the training thread: <see cref="Progress{T}"/> would call later, on another.</summary>
    private sealed class Callback(Action<TrainingStep> action) : IProgress<TrainingStep>
    {
        public void Report(TrainingStep value) => action(value);
    }
}
