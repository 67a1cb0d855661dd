using System.CommandLine;
using System.Diagnostics;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Workbook.Emoji;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook train`: the embedded models, from a seed.</summary>
internal static class TrainCommand
{
    private const string Scenes = "scenes", Emoji = "emoji";

    internal static Command Create()
    {
        Option<string> world = new("--world")
        {
            Description = "What is trained on: scenes that the project draws, or emoji (with --data).",
            DefaultValueFactory = _ => Scenes,
        };
        world.AcceptOnlyFromAmong(Scenes, Emoji);
        Option<string?> data = new("--data") { Description = "With --world emoji: the folder that clipbook data emoji wrote." };
        Option<string?> output = new("--output") { Description = "The model's folder; artifacts/tiny-clip or artifacts/emoji-clip by " +
            "default." };
        Option<int> seed = new("--seed") { Description = "Fixes the weights and the pictures.", DefaultValueFactory = _ => 1 };
        Option<int?> steps = new("--steps") { Description = $"Optimizer steps; {new SceneTraining().Steps}, or {EmojiClip.Steps} with " +
            "--world emoji, by default." };
        Option<int?> batch = new("--batch") { Description = $"Pairs in a batch, of scenes in one of captions; " +
            $"{new SceneTraining().Batch}, or {EmojiClip.Batch} with --world emoji, by default." };
        Option<double> saveEvery = new("--save-every")
        {
            Description = "Minutes between two checkpoints; 0 saves after every step.",
            DefaultValueFactory = _ => 5,
        };
        Option<bool> resume = new("--resume") { Description = "Continue from the newest whole checkpoint that a run left in the folder." };
        Command command = new("train", $"""
            Trains the tiny CLIP from a seed on scenes that the project draws: the recipe of data/models/tiny-clip. --world emoji trains one
            of {EmojiClip.ImageSize} x {EmojiClip.ImageSize} pixels on emoji by three houses, with names and keywords in English and Korean.
            A checkpoint, train-STEP.checkpoint, is written into the folder every five minutes and at Ctrl-C or SIGTERM, which wait for the
            step under way; the last two are kept, each with a checksum. --resume continues from the newest that is whole, to the same
            weights bit for bit as a run without a break on the same machine. A process that is killed (kill -9, memory full) loses what
            came after its last checkpoint; what it was writing, NAME.….part, is removed by the next run into the folder. After a power cut
            the one before may be the newest; on network file systems nothing is promised.

            Examples:
              clipbook train --output artifacts/tiny-clip
              clipbook train --output artifacts/tiny-clip --resume
              clipbook train --output artifacts/quick --steps 200
              clipbook train --world emoji --data artifacts/emoji --output artifacts/emoji-clip

            {ExitCode.Help}
            """)
        {
            world, data, output, seed, steps, batch, saveEvery, resume,
        };
        command.SetAction((parsed, cancellation) =>
        {
            double minutes = parsed.GetValue(saveEvery);
            if (minutes is not (>= 0 and < 1e6))
                throw new UserError($"--save-every {minutes}: a number of minutes is needed, 0 or more.", ExitCode.Usage);
            var trained = World(parsed.GetValue(world)!, parsed.GetValue(data));
            string folder = parsed.GetValue(output) ?? (trained is EmojiTraining ? "artifacts/emoji-clip" : "artifacts/tiny-clip");
            var (number, length) = (parsed.GetValue(steps) ?? trained.Steps, parsed.GetValue(batch) ?? trained.Batch);
            var plan = new Plan(trained, folder, parsed.GetValue(seed), number, length, TimeSpan.FromMinutes(minutes));
            return Task.Run(() => Run(plan, parsed.GetValue(resume), cancellation), CancellationToken.None);
        });
        return command;
    }

    private static TrainingWorld World(string name, string? data)
    {
        if (name == Emoji) return data is null
            ? throw new UserError("--world emoji needs --data: the folder that clipbook data emoji wrote.", ExitCode.Usage)
            : new EmojiTraining(EmojiData.Open(data));
        return data is null ? new SceneTraining() : throw new UserError("--data goes with --world emoji.", ExitCode.Usage);
    }

    private static int Run(Plan plan, bool resume, CancellationToken cancellation)
    {
        var (world, folder, seed, steps, batch, _) = plan;
        if (steps < 1 || batch < 2) throw new UserError(
            $"--steps is {steps} and --batch {batch}; they must be at least 1 and 2.", ExitCode.Usage);
        if (batch > world.MostPairs) throw new UserError($"--batch is {batch}; a batch has each concept at most once, and there are " +
            $"{world.MostPairs}.", ExitCode.Usage);
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
        var tokenizer = resume ? ClipTokenizer.Load(folder, world.ContextLength) : world.WriteVocabulary(folder);
        using var model = world.Create(tokenizer, seed);
        using var trainer = new ClipTrainer(model, world.Options(steps, batch, seed));
        if (resume)
            foreach (string problem in checkpoints.Resume(trainer))
                Terminal.WriteError($"clipbook: {problem} The one before is taken.");
        var batches = world.Batches(tokenizer, batch, seed);
        long parameters = model.parameters().Sum(p => p.numel());
        string run = $"{steps} steps, batches of {batch} {world.Pairs}, seed {seed}{(resume ? $", from step {trainer.Step}" : "")}";
        Terminal.WriteLine($"{parameters:N0} parameters, vocabulary {tokenizer.VocabularySize}, {run}.");
        try
        {
            Watch(trainer, () => world.HeldOut(model, tokenizer), batches, plan, checkpoints, cancellation);
        }
        catch (OperationCanceledException)
        {
            if (checkpoints.Step != trainer.Step) checkpoints.Save(trainer);
            string again = $"clipbook train{world.Arguments} --output {folder} --seed {seed} --steps {steps} --batch {batch} --resume";
            Terminal.WriteLine($"Stopped after step {trainer.Step}; to continue: {again}");
            return ExitCode.Cancelled;
        }
        world.Save(model, folder);
        checkpoints.Delete();
        Terminal.WriteLine($"Written to {folder}. Measure it: clipbook evaluate{world.Arguments} --model {folder}");
        return ExitCode.Success;
    }

    private static void Watch(
        ClipTrainer trainer, Func<string> heldOut, Func<long, TrainingBatch> batches, Plan plan, TrainingCheckpoints checkpoints,
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
            trainer.Train(batches, new Callback(step =>
            {
                if (sinceSaved.Elapsed >= plan.SaveEvery && step.Step < steps)
                {
                    Save(checkpoints, trainer);
                    sinceSaved.Restart();
                }
                if (cancellation.IsCancellationRequested) return; // nobody waits for an evaluation
                loss = double.IsNaN(loss) ? step.Loss : 0.95 * loss + 0.05 * step.Loss;
                bool look = step.Step % every == 0 || step.Step == steps;
                if (look) retrieval = heldOut();
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

    /// <summary>Calls at once, on the training thread: <see cref="Progress{T}"/> would call later, on another.</summary>
    private sealed class Callback(Action<TrainingStep> action) : IProgress<TrainingStep>
    {
        public void Report(TrainingStep value) => action(value);
    }

    /// <summary>What is trained, and where to.</summary>
    private sealed record Plan(TrainingWorld World, string Folder, int Seed, int Steps, int Batch, TimeSpan SaveEvery);
}
