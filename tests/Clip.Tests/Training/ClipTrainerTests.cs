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
            Assert.Throws<OperationCanceledException>(() => trainer.Train(Batch, new Sink([], step => { if (step.Step == 5) stop.Cancel(); }), stop.Token));
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
        foreach (var (name, value) in whole.state_dict()) Assert.True(value.equal(second.state_dict()[name]).all().item<bool>(), $"{name} differs by {(value - second.state_dict()[name]).abs().max().ToDouble():g3}");
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
