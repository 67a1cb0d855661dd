using System.Globalization;
using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Training;

public sealed class ClipTrainerTests : IDisposable
{
    private static readonly TrainerOptions Options = new() { Steps = 12, WarmupSteps = 3, LearningRate = 1e-3 };

    private readonly string _folder = Directory.CreateTempSubdirectory("trainer").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_loss_falls_from_chance_on_pairs_that_can_be_learned()
    {
        using var model = Model();
        using var trainer = new ClipTrainer(model, Options with { Steps = 60, WarmupSteps = 5 });
        var losses = new List<double>();
        trainer.Train(_ => Batch(0), new Sink(losses));
        Assert.Equal(60, losses.Count);
        // ln 4 = 1.386 is chance for four pairs; the scale of 14.3 makes an untrained model confidently wrong.
        Assert.True(losses[0] > 1, $"The first loss is {losses[0]:f3}.");
        Assert.True(losses[^1] < 0.3, $"The last loss is {losses[^1]:f3}.");
    }

    [Fact]
    public void A_run_that_nobody_watches_trains_all_the_same()
    {
        using var model = Model();
        using var trainer = new ClipTrainer(model, Options);
        trainer.Train(Batch);
        Assert.Equal(12, trainer.Step);
    }

    [Fact]
    public void A_run_that_is_interrupted_and_resumed_ends_in_the_same_weights()
    {
        string path = Path.Combine(_folder, "run.checkpoint");
        using var whole = Model();
        using (var trainer = new ClipTrainer(whole, Options)) trainer.Train(Batch);

        using var first = Model();
        using (var trainer = new ClipTrainer(first, Options))
        {
            using var stop = new CancellationTokenSource();
            Assert.Throws<OperationCanceledException>(() =>
                trainer.Train(Batch, new Sink([], step => { if (step.Step == 5) stop.Cancel(); }), stop.Token));
            Assert.Equal(5, trainer.Step);
            trainer.Save(path);
        }
        using var second = Model(seed: 99);
        using (var trainer = new ClipTrainer(second, Options))
        {
            trainer.Resume(path);
            Assert.Equal(5, trainer.Step);
            trainer.Train(Batch);
        }
        foreach (var (name, value) in whole.state_dict()) Assert.True(
            value.equal(second.state_dict()[name]).all().item<bool>(), $"{name} differs by " +
            $"{(value - second.state_dict()[name]).abs().max().ToDouble():g3}");
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(5000)]
    public void A_checkpoint_that_is_cut_short_is_refused(int length)
    {
        string path = Path.Combine(_folder, "run.checkpoint");
        using var model = Model();
        using var trainer = new ClipTrainer(model, Options);
        trainer.Save(path);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..length]);
        Assert.Contains(path, Assert.Throws<InvalidDataException>(() => trainer.Resume(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_changed_byte_of_a_checkpoint_is_noticed_and_the_trainer_stays_as_it_was()
    {
        string path = Path.Combine(_folder, "run.checkpoint");
        using var model = Model();
        using var trainer = new ClipTrainer(model, Options);
        trainer.Train(Batch);
        trainer.Save(path);
        byte[] whole = File.ReadAllBytes(path);
        var random = new Random(1);
        // The ends, where names and checksum are, and a sample of what is in between.
        var between = Enumerable.Range(0, 200).Select(_ => random.Next(whole.Length));
        int[] places = [.. Enumerable.Range(0, 40), .. Enumerable.Range(whole.Length - 40, 40), .. between];
        using var fresh = Model(seed: 7);
        using var other = new ClipTrainer(fresh, Options);
        float before = fresh.LogitScale.item<float>();
        foreach (int place in places)
        {
            byte[] damaged = [.. whole];
            damaged[place] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(path, damaged);
            Assert.Contains("checksum", Assert.Throws<InvalidDataException>(() => other.Resume(path)).Message, StringComparison.Ordinal);
        }
        File.WriteAllBytes(path, [.. whole, 0]);
        Assert.Throws<InvalidDataException>(() => other.Resume(path));
        Assert.Equal((0L, before), (other.Step, fresh.LogitScale.item<float>()));
        File.WriteAllBytes(path, whole);
        other.Resume(path);
        Assert.Equal(12, other.Step);
    }

    /// <summary>Batches that are drawn from torch's random numbers: a resumed run draws what the unbroken one does.</summary>
    [Fact]
    public void The_state_of_random_numbers_is_resumed_with_the_run()
    {
        string path = Path.Combine(_folder, "run.checkpoint");
        using var whole = Model();
        manual_seed(3);
        using (var trainer = new ClipTrainer(whole, Options))
            trainer.Train(Drawn, new Sink([], step => { if (step.Step == 5) trainer.Save(path); }));
        manual_seed(4);
        using var second = Model(seed: 99);
        using (var trainer = new ClipTrainer(second, Options))
        {
            trainer.Resume(path);
            trainer.Train(Drawn);
        }
        foreach (var (name, value) in whole.state_dict()) Assert.True(value.equal(second.state_dict()[name]).all().item<bool>(), name);

        TrainingBatch Drawn(long step)
        {
            using var batch = Batch(0);
            return new TrainingBatch(randn_like(batch.Pixels), batch.TokenIds.clone());
        }
    }

    [Fact]
    public void The_last_two_checkpoints_are_kept_and_the_newest_whole_one_is_resumed_from()
    {
        var checkpoints = new TrainingCheckpoints(_folder);
        using var model = Model();
        using var trainer = new ClipTrainer(model, Options);
        Assert.Throws<FileNotFoundException>(() => checkpoints.Resume(trainer));
        File.WriteAllText(Path.Combine(_folder, "train-3.checkpoint.0123456789abcdef0123456789abcdef.part"),
            "what a killed process was writing");
        trainer.Train(Batch, new Sink([], step => { if (step.Step % 4 == 0) checkpoints.Save(trainer); }));
        var files = Directory.GetFiles(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal);
        Assert.Equal(["train-12.checkpoint", "train-8.checkpoint"], files);

        using var other = new ClipTrainer(model, Options);
        File.WriteAllText(Path.Combine(_folder, "train-16.checkpoint.0123456789abcdef0123456789abcdef.part"),
            "what a killed process was writing");
        Assert.Empty(checkpoints.Resume(other));
        Assert.Equal(12, other.Step);
        Assert.Empty(Directory.GetFiles(_folder, "*.part"));
        Flip("train-12.checkpoint");
        Assert.Contains("train-12.checkpoint", Assert.Single(checkpoints.Resume(other)), StringComparison.Ordinal);
        Assert.Equal(8, other.Step);
        Flip("train-8.checkpoint");
        string message = Assert.Throws<InvalidDataException>(() => checkpoints.Resume(other)).Message;
        Assert.Contains("train-12.checkpoint", message, StringComparison.Ordinal);
        Assert.Contains("train-8.checkpoint", message, StringComparison.Ordinal);
        checkpoints.Delete();
        Assert.Empty(Directory.GetFiles(_folder));

        void Flip(string name)
        {
            string path = Path.Combine(_folder, name);
            byte[] bytes = File.ReadAllBytes(path);
            bytes[bytes.Length / 3] ^= 4;
            File.WriteAllBytes(path, bytes);
        }
    }

    [Fact]
    public void What_was_saved_stays_where_a_former_run_left_later_checkpoints()
    {
        var checkpoints = new TrainingCheckpoints(_folder);
        using var model = Model();
        using (var former = new ClipTrainer(model, Options))
            former.Train(Batch, new Sink([], step => { if (step.Step is 8 or 12) checkpoints.Save(former); }));
        using var trainer = new ClipTrainer(model, Options);
        Steps(trainer, 4);
        string path = checkpoints.Save(trainer);
        Assert.Equal([path], checkpoints.Paths);
        Steps(trainer, 1);
        checkpoints.Save(trainer);
        Assert.Equal([5L, 4], checkpoints.Paths.Select(Step));
    }

    [Fact]
    public void A_damaged_checkpoint_that_was_skipped_gives_way_to_the_sound_one_before_it()
    {
        var checkpoints = new TrainingCheckpoints(_folder);
        using var model = Model();
        using (var former = new ClipTrainer(model, Options))
            former.Train(Batch, new Sink([], step => { if (step.Step is 4 or 8) checkpoints.Save(former); }));
        File.WriteAllText(Path.Combine(_folder, "train-8.checkpoint"), "damaged");
        using var trainer = new ClipTrainer(model, Options);
        var later = new TrainingCheckpoints(_folder);
        Assert.Null(later.Current);
        Assert.Single(later.Resume(trainer));
        Assert.Equal((8L, 4L), (later.Step, later.Current)); // by its name, and in truth
        Steps(trainer, 2);
        later.Save(trainer);
        Assert.Equal([6L, 4], later.Paths.Select(Step));
        Assert.Equal(6, later.Current);
    }

    private static long Step(string path) =>
        long.Parse(Path.GetFileNameWithoutExtension(path).Split('-')[1], CultureInfo.InvariantCulture);

    private static void Steps(ClipTrainer trainer, int count)
    {
        for (int i = 0; i < count; i++)
        {
            using var batch = Batch(trainer.Step);
            trainer.TrainStep(batch);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_refused_step_leaves_the_statistics_of_batch_normalisation_as_they_were(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var model = ResNet();
        using var trainer = new ClipTrainer(model, Options with { ComputeType = type });
        trainer.TrainStep(ResNetBatch(0));
        var before = model.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.clone());
        var damaged = ResNetBatch(1);
        using (no_grad()) damaged.Pixels[1, 2, 3, 4] = float.NaN;
        Assert.Contains("not numbers", Assert.Throws<InvalidOperationException>(() => trainer.TrainStep(damaged)).Message,
            StringComparison.Ordinal);
        Assert.All(model.state_dict(), entry => Assert.True(before[entry.Key].equal(entry.Value).all().item<bool>(), entry.Key));
        Assert.True(double.IsFinite(trainer.TrainStep(ResNetBatch(2)).Loss));
        Assert.All(model.state_dict(), entry => Assert.True(entry.Value.isfinite().all().item<bool>(), entry.Key));
    }

    /// <summary>
    /// As under PyTorch's autocast. In bfloat16 a running mean would be rounded to 8 bits at each step, so that a share of 0.1 of a small
    /// change is lost.
    /// </summary>
    [Fact]
    public void Mixed_precision_keeps_the_statistics_of_batch_normalisation_in_float32()
    {
        using var scope = NewDisposeScope();
        using var model = ResNet();
        using var trainer = new ClipTrainer(model, Options with { ComputeType = ScalarType.BFloat16 });
        trainer.TrainStep(ResNetBatch(0));
        var statistics = model.named_buffers().Where(entry => entry.name.Contains("running_", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(statistics);
        Assert.All(statistics, entry => Assert.False(
            entry.buffer.to(bfloat16).to(float32).equal(entry.buffer).all().item<bool>(), $"{entry.name} has bfloat16's digits alone."));
    }

    [Fact]
    public void A_resumed_run_in_mixed_precision_goes_on_with_the_checkpoints_statistics_and_frozen_weights()
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(_folder, "run.checkpoint");
        var options = Options with { Steps = 4, ComputeType = ScalarType.BFloat16 };
        using ClipModel whole = ResNet(), second = ResNet(seed: 99);
        foreach (var model in new[] { whole, second })
            foreach (var parameter in model.Text.parameters()) parameter.requires_grad = false;
        using (var trainer = new ClipTrainer(whole, options))
            trainer.Train(ResNetBatch, new Sink([], step => { if (step.Step == 2) trainer.Save(path); }));
        using (var trainer = new ClipTrainer(second, options))
        {
            trainer.Resume(path);
            trainer.Train(ResNetBatch);
        }
        foreach (var (name, value) in whole.state_dict()) Assert.True(value.equal(second.state_dict()[name]).all().item<bool>(), name);
    }

    [Fact]
    public void A_run_under_another_language_is_resumed_from()
    {
        string path = Path.Combine(_folder, "run.checkpoint");
        using var model = Model();
        var culture = CultureInfo.CurrentCulture;
        try
        {
            var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            comma.NumberFormat.NumberDecimalSeparator = ",";
            CultureInfo.CurrentCulture = comma;
            using (var trainer = new ClipTrainer(model, Options)) trainer.Save(path);
            CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
            using (var trainer = new ClipTrainer(model, Options)) trainer.Resume(path);
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_run_that_trained_other_parameters_is_not_resumed_from_and_the_trainer_stays_as_it_was(bool isFrozenFirst)
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(_folder, "run.checkpoint");
        using ClipModel first = Model(), second = Model(seed: 99);
        foreach (var parameter in (isFrozenFirst ? first : second).Text.parameters()) parameter.requires_grad = false;
        using (var trainer = new ClipTrainer(first, Options))
        {
            Steps(trainer, 2);
            trainer.Save(path);
        }
        using var other = new ClipTrainer(second, Options);
        var before = second.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.clone());
        string message = Assert.Throws<InvalidDataException>(() => other.Resume(path)).Message;
        Assert.Contains("another run", message, StringComparison.Ordinal);
        Assert.Contains($" is frozen only {(isFrozenFirst ? "there" : "here")}", message, StringComparison.Ordinal);
        Assert.All(second.state_dict(), entry => Assert.True(before[entry.Key].equal(entry.Value).all().item<bool>(), entry.Key));
    }

    /// <summary>The header of a checkpoint as it was written before it listed the frozen parameters.</summary>
    [Fact]
    public void A_checkpoint_that_does_not_list_the_frozen_parameters_is_resumed_from()
    {
        string path = Path.Combine(_folder, "run.checkpoint"), older = Path.Combine(_folder, "older.checkpoint");
        using var model = Model();
        foreach (var parameter in model.Text.parameters()) parameter.requires_grad = false;
        using var trainer = new ClipTrainer(model, Options);
        Steps(trainer, 2);
        trainer.Save(path);
        using (var reader = TrainingFile.Open(path))
        {
            string magic = reader.ReadString();
            var header = JsonNode.Parse(reader.ReadString())!.AsObject();
            Assert.True(header.Remove("Frozen"));
            byte[] rest = ToEnd(reader);
            TrainingFile.Write(older, writer =>
            {
                writer.Write(magic);
                writer.Write(header.ToJsonString());
                writer.Write(rest);
            });
        }
        using var other = new ClipTrainer(model, Options);
        other.Resume(older);
        Assert.Equal(2, other.Step);
    }

    private static byte[] ToEnd(BinaryReader reader)
    {
        using var rest = new MemoryStream();
        for (byte[] part = reader.ReadBytes(1 << 16); part.Length > 0; part = reader.ReadBytes(1 << 16)) rest.Write(part);
        return rest.ToArray();
    }

    [Fact]
    public void A_checkpoint_of_another_run_is_refused()
    {
        string path = Path.Combine(_folder, "run.checkpoint");
        using var model = Model();
        using (var trainer = new ClipTrainer(model, Options)) trainer.Save(path);
        using var other = new ClipTrainer(model, Options with { LearningRate = 1 });
        Assert.Contains("another run", Assert.Throws<InvalidDataException>(() => other.Resume(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_scale_never_exceeds_its_limit()
    {
        using var model = Model();
        using (no_grad()) model.LogitScale.fill_(Math.Log(99.99));
        using var trainer = new ClipTrainer(model, Options with { LearningRate = 1, WarmupSteps = 0, MaxGradientNorm = 100 });
        for (int i = 0; i < 3; i++)
        {
            using var batch = Batch(i);
            Assert.InRange(trainer.TrainStep(batch).Scale, 1, 100.001);
        }
    }

    [Fact]
    public void A_training_step_leaves_no_tensor_behind()
    {
        using var model = Model();
        using var trainer = new ClipTrainer(model, Options);
        void Step()
        {
            using var batch = Batch(1);
            trainer.TrainStep(batch);
        }
        Step();
        long before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        Step();
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(100)]
    public void Chunks_give_the_gradient_of_the_whole_batch(int chunk)
    {
        using var scope = NewDisposeScope();
        var (whole, loss) = Gradients(Options);
        var (chunked, chunkedLoss) = Gradients(Options with { ChunkSize = chunk });
        // Sums in another order: a cosine off by one unit of float32 (6e-8) is a logit off by 14.3 of them, 1e-6, whose exponential weighs
        // each term of the loss and of the gradient. How products of one and of four rows differ depends on the processor: 1.2e-6 was seen
        // of a loss of 3.9, and a chunk left out or counted twice changes a tenth of it.
        Assert.Equal(loss, chunkedLoss, 1e-5);
        foreach (var (name, expected) in whole)
        {
            double error = (expected - chunked[name]).abs().max().ToDouble(), largest = expected.abs().max().ToDouble();
            Assert.True(error <= 1e-5 * Math.Max(largest, 1e-3), $"{name}: {error:g3} of {largest:g3}");
        }
    }

    [Fact]
    public void Mixed_precision_gives_the_gradient_to_bfloat16s_precision_and_keeps_the_weights_in_float32()
    {
        using var scope = NewDisposeScope();
        var (whole, loss) = Gradients(Options);
        var (mixed, mixedLoss) = Gradients(Options with { ComputeType = ScalarType.BFloat16 });
        // bfloat16 has 8 bits of mantissa: a relative error of 2^-9 at each of the some ten steps through a block; the logits multiply it
        // by 14.3.
        Assert.Equal(loss, mixedLoss, 0.05);
        foreach (var (name, expected) in whole.Where(pair => pair.Value.abs().max().ToDouble() > 1e-4))
        {
            Assert.Equal(ScalarType.Float32, mixed[name].dtype);
            double cosine = nn.functional.cosine_similarity(expected.flatten(), mixed[name].flatten(), 0).ToDouble();
            Assert.True(cosine > 0.99, $"{name}: cosine {cosine:f4}");
        }
    }

    [Fact]
    public void Mixed_precision_learns_as_float32_does()
    {
        var full = Losses(ScalarType.Float32);
        var mixed = Losses(ScalarType.BFloat16);
        // The mean distance of two curves that fall from 2 to 0.1.
        double apart = full.Zip(mixed, (a, b) => Math.Abs(a - b)).Average();
        Assert.True(apart < 0.05, $"The curves are {apart:f3} apart.");
        Assert.True(mixed[^1] < 0.3, $"The last loss is {mixed[^1]:f3}.");

        static List<double> Losses(ScalarType type)
        {
            using var model = Model();
            using var trainer = new ClipTrainer(model, Options with { Steps = 60, WarmupSteps = 5, ComputeType = type });
            var losses = new List<double>();
            trainer.Train(_ => Batch(0), new Sink(losses));
            return losses;
        }
    }

    [Theory]
    [InlineData(2, ScalarType.Float32)]
    [InlineData(0, ScalarType.BFloat16)]
    [InlineData(3, ScalarType.BFloat16)]
    public void Chunks_and_mixed_precision_leave_no_tensor_behind(int chunk, ScalarType type)
    {
        using var model = Model();
        using var trainer = new ClipTrainer(model, Options with { ChunkSize = chunk, ComputeType = type });
        void Step()
        {
            using var batch = Batch(1);
            trainer.TrainStep(batch);
        }
        Step();
        long before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        Step();
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Options_that_cannot_train_are_refused_by_name()
    {
        using var model = Model();
        Assert.Contains("ChunkSize is -1", Assert.Throws<ArgumentException>(
            () => new ClipTrainer(model, Options with { ChunkSize = -1 })).Message, StringComparison.Ordinal);
        Assert.Contains("ComputeType is Int64", Assert.Throws<ArgumentException>(
            () => new ClipTrainer(model, Options with { ComputeType = ScalarType.Int64 })).Message, StringComparison.Ordinal);
    }

    /// <summary>The gradients of batch 0, not clipped.</summary>
    private static (Dictionary<string, Tensor> Gradients, double Loss) Gradients(TrainerOptions options)
    {
        using var model = Model();
        using var trainer = new ClipTrainer(model, options with { MaxGradientNorm = 1e9 });
        using var batch = Batch(0);
        double loss = trainer.TrainStep(batch).Loss;
        return (model.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.grad!.clone()), loss);
    }

    [Fact]
    public void The_learning_rate_warms_up_and_follows_the_cosine()
    {
        var options = new TrainerOptions { Steps = 110, WarmupSteps = 10, LearningRate = 2 };
        Assert.Equal(0.2, options.LearningRateAt(0), 12);
        Assert.Equal(2, options.LearningRateAt(9), 12);
        Assert.Equal(1, options.LearningRateAt(60), 12);
        Assert.Equal(0, options.LearningRateAt(110), 12);
    }

    private static ClipModel Model(int seed = 7)
    {
        random.manual_seed(seed);
        return new ClipModel(new ClipConfig
        {
            Vision = new VisionConfig { ImageSize = 16, PatchSize = 8, Width = 16, Layers = 1, Heads = 2 },
            Text = new TextConfig { ContextLength = 8, VocabularySize = 20, Width = 16, Layers = 1, Heads = 2 },
            EmbeddingWidth = 8,
        });
    }

    private static ClipModel ResNet(int seed = 7)
    {
        random.manual_seed(seed);
        return new ClipModel(new ClipConfig
        {
            Vision = VisionConfig.ResNet(32, 4, (1, 1, 1, 1)) with { Heads = 4 },
            Text = new TextConfig { ContextLength = 8, VocabularySize = 20, Width = 16, Layers = 1, Heads = 2 },
            EmbeddingWidth = 8,
        });
    }

    private static TrainingBatch ResNetBatch(long step)
    {
        using var batch = Batch(step);
        manual_seed(step + 1);
        return new TrainingBatch(randn(4, 3, 32, 32), batch.TokenIds.clone());
    }

    private static TrainingBatch Batch(long step)
    {
        var numbers = new Random((int)step + 1);
        var pixels = Enumerable.Range(0, 4 * 3 * 16 * 16).Select(_ => (float)(numbers.NextDouble() * 4 - 2)).ToArray();
        long[] ids = [.. Enumerable.Range(0, 4).SelectMany(i => new long[] { 18, i, numbers.Next(18), 19 })];
        return new TrainingBatch(tensor(pixels, [4, 3, 16, 16]), tensor(ids, [4, 4]));
    }

    private sealed class Sink(List<double> losses, Action<TrainingStep>? then = null) : IProgress<TrainingStep>
    {
        public void Report(TrainingStep value)
        {
            losses.Add(value.Loss);
            then?.Invoke(value);
        }
    }
}
