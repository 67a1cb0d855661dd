using System.CommandLine;
using System.Diagnostics;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Workbook.Emoji;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook train`: trains the embedded models from a seed, or fine-tunes a model on a user's pairs.</summary>
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
        Option<string?> from = new("--from") { Description = "Fine-tune this model's folder or Hub id on pairs of your own (with " +
            "--images and --captions)." };
        Option<string?> images = new("--images") { Description = "With --from: the folder that the captions' file names begin at; by " +
            "default the captions' own." };
        Option<string?> captions = new("--captions") { Description = "With --from: a .json, .csv or .tsv file of captions." };
        Option<bool> lora = new("--lora") { Description = "With --from: train low-rank adapters (LoRA) on attention and MLP in place of " +
            "the model's own weights." };
        Option<int> rank = new("--rank") { Description = "The adapters' rank.", DefaultValueFactory = _ => 8 };
        Option<double?> learningRate = new("--learning-rate") { Description = "With --from: the largest; 1e-5, or 1e-4 with --lora, by " +
            "default. A small model bears more." };
        Option<double> heldOut = new("--held-out") { Description = "With --from: the share of the images that is measured on and not " +
            "trained on.", DefaultValueFactory = _ => 0.1 };
        Option<string?> output = new("--output") { Description = "The model's folder; artifacts/tiny-clip, artifacts/emoji-clip or " +
            "artifacts/fine-tuned by default." };
        Option<int> seed = new("--seed") { Description = "Fixes the weights and the pictures.", DefaultValueFactory = _ => 1 };
        Option<int?> steps = new("--steps") { Description = $"Optimizer steps; {new SceneTraining().Steps}, {EmojiClip.Steps} with " +
            "--world emoji, or ten times through the pairs with --from, by default." };
        Option<int?> batch = new("--batch") { Description = $"Pairs in a batch, of scenes in one of captions; " +
            $"{new SceneTraining().Batch}, {EmojiClip.Batch} with --world emoji, or 64 with --from, by default." };
        Option<double> saveEvery = new("--save-every")
        {
            Description = "Minutes between two checkpoints; 0 saves after every step.",
            DefaultValueFactory = _ => 5,
        };
        Option<bool> resume = new("--resume") { Description = "Continue from the newest whole checkpoint that a run left in the folder." };
        Command command = new("train", $"""
            Trains the tiny CLIP from a seed on scenes that the project draws: the recipe of data/models/tiny-clip. --world emoji
            trains one of {EmojiClip.ImageSize} x {EmojiClip.ImageSize} pixels on emoji by three designers, with names and keywords in
            English and Korean. --from fine-tunes a model on your own pairs, and says how well it finds those held out before and
            after; with --lora it also writes the adapters in peft's layout, into OUTPUT/adapter. No caption stands twice in a batch;
            an image that cannot be read is named and left out, and the exit code is 1.
            A checkpoint, train-STEP.checkpoint, is written into the folder every five minutes and at Ctrl-C or SIGTERM, which wait
            for the step under way; the last two are kept, each with a checksum. --resume continues from the newest that is whole, to
            the same weights bit for bit as a run without a break on the same machine. A process that is killed (kill -9, memory full)
            loses what came after its last checkpoint; what it was writing, NAME.….part, is removed by the next run into the folder.
            After a power cut the one before may be the newest; on network file systems nothing is promised.

            Examples:
              clipbook train --output artifacts/tiny-clip
              clipbook train --output artifacts/tiny-clip --resume
              clipbook train --output artifacts/quick --steps 200
              clipbook train --world emoji --data artifacts/emoji --output artifacts/emoji-clip
              clipbook train --from data/models/tiny-clip --images photos --captions photos/captions.csv --lora --output artifacts/mine

            {ExitCode.Help}
            """)
        {
            world, data, from, images, captions, lora, rank, learningRate, heldOut, output, seed, steps, batch, saveEvery, resume,
        };
        command.SetAction((parsed, cancellation) =>
        {
            double minutes = parsed.GetValue(saveEvery);
            if (minutes is not (>= 0 and < 1e6))
                throw new UserError($"--save-every {minutes}: a number of minutes is needed, 0 or more.", ExitCode.Usage);
            return Task.Run(() =>
            {
                using var trained = World(parsed.GetValue(world)!, parsed.GetValue(data), Pairs(), parsed.GetValue(seed));
                int length = parsed.GetValue(batch) ?? trained.Batch;
                var plan = new Plan(trained, parsed.GetValue(output) ?? trained.Output, parsed.GetValue(seed),
                    parsed.GetValue(steps) ?? trained.StepsOf(Math.Max(1, length)), length, TimeSpan.FromMinutes(minutes));
                return Run(plan, parsed.GetValue(resume), cancellation);
            }, CancellationToken.None);

            PairTraining.Request? Pairs()
            {
                var (model, folder, file) = (parsed.GetValue(from), parsed.GetValue(images), parsed.GetValue(captions));
                bool tunes = (model ?? folder ?? file) is not null || parsed.GetValue(lora) || parsed.GetValue(learningRate) is not null;
                if (parsed.GetResult(rank) is { Implicit: false } && !parsed.GetValue(lora))
                    throw new UserError("--rank is of the matrices that --lora adds: give --lora too.", ExitCode.Usage);
                if (!tunes) return parsed.GetResult(heldOut) is not { Implicit: false } ? null
                    : throw new UserError("--held-out goes with --from and --captions.", ExitCode.Usage);
                if (model is null || file is null) throw new UserError("Fine-tuning needs --from, a model, and --captions, a file.",
                    ExitCode.Usage);
                double share = parsed.GetValue(heldOut);
                if (share is not (> 0 and < 1))
                    throw new UserError($"--held-out {share}: a share between 0 and 1 is needed.", ExitCode.Usage);
                if (parsed.GetValue(learningRate) is <= 0 or double.NaN) throw new UserError("--learning-rate must be above 0.",
                    ExitCode.Usage);
                if (parsed.GetValue(rank) < 1) throw new UserError("--rank must be at least 1.", ExitCode.Usage);
                if (folder is not null && !Directory.Exists(folder))
                    throw new UserError($"There is no folder {folder} to take images from.");
                return new(model, folder ?? Path.GetDirectoryName(Path.GetFullPath(file))!, file, parsed.GetValue(lora),
                    parsed.GetValue(rank), parsed.GetValue(learningRate), share);
            }
        });
        return command;
    }

    private static TrainingWorld World(string name, string? data, PairTraining.Request? pairs, int seed)
    {
        if (pairs is not null) return name == Scenes && data is null ? new PairTraining(pairs, seed)
            : throw new UserError("--from has pairs of its own: leave out --world and --data.", ExitCode.Usage);
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
        if (batch > world.MostPairs) throw new UserError($"--batch is {batch}; a batch has nothing twice, and there are " +
            $"{world.MostPairs} to train on.", ExitCode.Usage);
        var checkpoints = new TrainingCheckpoints(folder);
        string pattern = Path.Combine(folder, "train-*.checkpoint");
        if (resume && checkpoints.Step is null)
            throw new UserError($"There is nothing to resume: no {pattern} is there. Leave out --resume to begin anew.", ExitCode.Usage);
        if (!resume && checkpoints.Step is { } left)
        {
            string choice = $"--resume continues it. To begin anew, name another folder or delete {pattern}.";
            throw new UserError($"{folder} holds a run that was interrupted after step {left}: {choice}", ExitCode.Usage);
        }

        Interruption.Grace = Timeout.InfiniteTimeSpan; // wait for the step under way, however slow, and for a checkpoint
        // Remove partial files of a run that was killed while it wrote.
        AtomicFile.DeleteParts(folder, "*");
        var tokenizer = resume ? world.ReadVocabulary(folder) : world.WriteVocabulary(folder);
        using var model = world.Create(tokenizer, seed);
        using var trainer = new ClipTrainer(model, world.Options(steps, batch, seed), world.Besides);
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
            // Not by the newest file's name: a damaged one of this very step may have been skipped.
            if (checkpoints.Current != trainer.Step) checkpoints.Save(trainer);
            string again = $"clipbook train{world.Arguments} --output {Terminal.Word(folder)} --seed {seed} --steps {steps} " +
                $"--batch {batch} --resume";
            Terminal.WriteLine($"Stopped after step {trainer.Step}; to continue: {again}");
            return ExitCode.Cancelled;
        }
        world.Save(model, folder);
        checkpoints.Delete();
        int code = world.End();
        Terminal.WriteLine($"Written to {folder}. Measure it: {world.Measure(folder)}");
        return code;
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
            trainer.Train(batches, new Callback<TrainingStep>(step =>
            {
                if (sinceSaved.Elapsed >= plan.SaveEvery && step.Step < steps)
                {
                    Save(checkpoints, trainer);
                    sinceSaved.Restart();
                }
                if (cancellation.IsCancellationRequested) return; // the run is being stopped: no evaluation now
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

    /// <summary>
    /// Saves a checkpoint. A failure does not stop the run: a device that is full now may have room at the next checkpoint.
    /// </summary>
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

    /// <summary>What is trained, how, and into which folder.</summary>
    private sealed record Plan(TrainingWorld World, string Folder, int Seed, int Steps, int Batch, TimeSpan SaveEvery);
}
