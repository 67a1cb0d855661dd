using System.CommandLine;
using System.Diagnostics;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
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
        Option<double> saveEvery = new("--save-every")
        {
            Description = "Minutes between two checkpoints; 0 saves after every step.",
            DefaultValueFactory = _ => 5,
        };
        Option<bool> resume = new("--resume") { Description = "Continue from the newest whole checkpoint that a run left in the folder." };
        Command command = new("train", $"""
            Trains the tiny CLIP from a seed on scenes that the project draws: the recipe of data/models/tiny-clip.
            A checkpoint, train-STEP.checkpoint, is written into the folder every five minutes and at Ctrl-C or SIGTERM, which wait for the
            step under way; the last two are kept, each with a checksum. --resume continues from the newest that is whole, to the same
            weights bit for bit as a run without a break on the same machine. A process that is killed (kill -9, memory full) loses what
            came after its last checkpoint; what it was writing, NAME.….part, is removed by the next run into the folder. After a power cut
            the one before may be the newest; on network file systems nothing is promised.

            Examples:
              clipbook train --output artifacts/tiny-clip
              clipbook train --output artifacts/tiny-clip --resume
              clipbook train --output artifacts/quick --steps 200

            {ExitCode.Help}
            """)
        {
            output, seed, steps, batch, saveEvery, resume,
        };
        command.SetAction((parsed, cancellation) =>
        {
            double minutes = parsed.GetValue(saveEvery);
            if (minutes is not (>= 0 and < 1e6))
                throw new UserError($"--save-every {minutes}: a number of minutes is needed, 0 or more.", ExitCode.Usage);
            string folder = parsed.GetValue(output)!;
            var (number, length) = (parsed.GetValue(steps), parsed.GetValue(batch));
            var plan = new Plan(folder, parsed.GetValue(seed), number, length, TimeSpan.FromMinutes(minutes));
            return Task.Run(() => Run(plan, parsed.GetValue(resume), cancellation), CancellationToken.None);
        });
        return command;
    }

    private static int Run(Plan plan, bool resume, CancellationToken cancellation)
    {
        var (folder, seed, steps, batch, _) = plan;
        if (steps < 1 || batch < 2) throw new UserError(
            $"--steps is {steps} and --batch {batch}; they must be at least 1 and 2.", ExitCode.Usage);
        var checkpoints = new TrainingCheckpoints(folder);
        string pattern = Path.Combine(folder, "train-*.checkpoint");
        if (resume && checkpoints.Step is null)
            throw new UserError($"There is nothing to resume: no {pattern} is there. Leave out --resume to begin anew.", ExitCode.Usage);
        if (!resume && checkpoints.Step is { } left)
        {
            string choice = $"--resume continues it. To begin anew, name another folder or delete {pattern}.";
            throw new UserError($"{folder} holds a run that was interrupted after step {left}: {choice}", ExitCode.Usage);
        }

        Interruption.Grace = Timeout.InfiniteTimeSpan; // a step, however slow, and a checkpoint are waited for
        // A run that was killed while it wrote left parts of files.
        AtomicFile.DeleteParts(folder, "*");
        var tokenizer = resume ? ClipTokenizer.Load(folder, TinyClip.ContextLength) : TinyClip.WriteVocabulary(folder);
        using var model = TinyClip.Create(tokenizer, seed);
        string data = $"scenes of seed {seed} in batches of {batch} captions";
        using var trainer = new ClipTrainer(model, TinyClip.Options(steps) with { Data = data });
        if (resume)
            foreach (string problem in checkpoints.Resume(trainer))
                Terminal.WriteError($"clipbook: {problem} The one before is taken.");
        var processor = new ClipProcessor(new(TinyClip.Transform), tokenizer);
        var batches = new SceneBatches(tokenizer, processor.Transform, batch, seed);
        long parameters = model.parameters().Sum(p => p.numel());
        string run = $"{steps} steps, batches of {batch} captions, seed {seed}{(resume ? $", from step {trainer.Step}" : "")}";
        Terminal.WriteLine($"{parameters:N0} parameters, vocabulary {tokenizer.VocabularySize}, {run}.");
        try
        {
            Watch(trainer, model, processor, batches, plan, checkpoints, cancellation);
        }
        catch (OperationCanceledException)
        {
            if (checkpoints.Step != trainer.Step) checkpoints.Save(trainer);
            string again = $"clipbook train --output {folder} --seed {seed} --steps {steps} --batch {batch} --resume";
            Terminal.WriteLine($"Stopped after step {trainer.Step}; to continue: {again}");
            return ExitCode.Cancelled;
        }
        TinyClip.Save(model, folder);
        checkpoints.Delete();
        Terminal.WriteLine($"Written to {folder}. Measure it: clipbook evaluate --model {folder}");
        return ExitCode.Success;
    }

    private static void Watch(
        ClipTrainer trainer, ClipModel model, ClipProcessor processor, SceneBatches batches, Plan plan, TrainingCheckpoints checkpoints,
        CancellationToken cancellation)
    {
        bool terminal = Terminal.Rich().Profile.Capabilities.Interactive;
        int steps = plan.Steps, every = Math.Max(1, steps / 20);
        var (clock, sinceSaved) = (Stopwatch.StartNew(), Stopwatch.StartNew());
        long start = trainer.Step;
        double loss = double.NaN;
        string retrieval = "";
        var bars = Terminal.Rich().Progress().AutoClear(false)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(),
                new RemainingTimeColumn());
        bars.Start(progress =>
        {
            var bar = progress.AddTask("training", maxValue: steps);
            bar.Value = start;
            trainer.Train(batches.Batch, new Callback(step =>
            {
                if (sinceSaved.Elapsed >= plan.SaveEvery && step.Step < steps)
                {
                    Save(checkpoints, trainer);
                    sinceSaved.Restart();
                }
                if (cancellation.IsCancellationRequested) return; // nobody waits for an evaluation
                loss = double.IsNaN(loss) ? step.Loss : 0.95 * loss + 0.05 * step.Loss;
                bool look = step.Step % every == 0 || step.Step == steps;
                if (look) retrieval = $"held-out R@1 of 100: {HeldOut(model, processor):p0}";
                bar.Value = step.Step;
                bar.Description = Markup.Escape($"loss {loss:f3}  τ {1 / step.Scale:f4}  {retrieval}");
                if (look && !terminal)
                {
                    var left = TimeSpan.FromSeconds(clock.Elapsed.TotalSeconds / (step.Step - start) * (steps - step.Step));
                    Terminal.WriteLine($"step {step.Step,6} of {steps}  loss {loss:f4}  temperature {1 / step.Scale:f4}  {retrieval}  "
                        + $"{clock.Elapsed:hh\\:mm\\:ss} gone, {left:hh\\:mm\\:ss} left");
                }
            }), cancellation);
        });
    }

    /// <summary>A full device now may have room at the next checkpoint: the run goes on.</summary>
    private static void Save(TrainingCheckpoints checkpoints, ClipTrainer trainer)
    {
        try
        {
            checkpoints.Save(trainer);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            Terminal.WriteError($"clipbook: no checkpoint of step {trainer.Step} was written: {problem.Message} The run goes on.");
        }
    }

    /// <summary>Text → image recall@1 among the first 100 held-out scenes, drawn at the model's size.</summary>
    private static double HeldOut(ClipModel model, ClipProcessor processor)
    {
        using var scope = torch.NewDisposeScope();
        using var _ = torch.no_grad();
        model.eval();
        var scenes = Enumerable.Range(0, 100).Select(i => SyntheticScenes.Create(SceneWorld.HeldOut, i)).ToList();
        var images = torch.nn.functional.normalize(model.EncodeImage(processor.Images([.. scenes.Select(s => s.Draw(TinyClip.ImageSize))])),
            p: 2, dim: -1);
        var texts = torch.nn.functional.normalize(model.EncodeText(processor.Texts([.. scenes.Select(s => s.Captions[0])])), p: 2, dim: -1);
        return Retrieval.RecallAt(texts.mm(images.t()), 1);
    }

    /// <summary>Calls at once, on the training thread: <see cref="Progress{T}"/> would call later, on another.</summary>
    private sealed class Callback(Action<TrainingStep> action) : IProgress<TrainingStep>
    {
        public void Report(TrainingStep value) => action(value);
    }

    /// <summary>What is trained, and where to.</summary>
    private sealed record Plan(string Folder, int Seed, int Steps, int Batch, TimeSpan SaveEvery);
}
