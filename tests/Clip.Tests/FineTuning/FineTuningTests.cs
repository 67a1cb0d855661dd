using ClipNotebooks.Clip.FineTuning;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.FineTuning;

public sealed class FineTuningTests
{
    private static readonly TrainerOptions Options = new() { Steps = 4, WarmupSteps = 0, LearningRate = 1e-2, WeightDecay = 0 };

    [Fact]
    public void What_is_frozen_by_name_stands_still_and_the_rest_is_trained()
    {
        using var model = TinyPairs.Model();
        long images = model.named_parameters().Where(pair => pair.name.StartsWith("visual.", StringComparison.Ordinal))
            .Sum(pair => pair.parameter.numel());
        Assert.Equal(images, Freezing.Freeze(model, [Freezing.ImageTower]));
        var before = Copies(model);
        using (var trainer = new ClipTrainer(model, Options)) trainer.Train(step => TinyPairs.Batch(step));
        foreach (var (name, value) in model.state_dict())
            Assert.True(name.StartsWith("visual.", StringComparison.Ordinal) == value.equal(before[name]).all().item<bool>(), name);
        Freezing.Freeze(model, ["visual.*"], frozen: false);
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));
        Assert.Contains("\"vision.*\"", Assert.Throws<ArgumentException>(() => Freezing.Freeze(model, ["vision.*"])).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_locked_ResNet_keeps_its_statistics_and_the_text_tower_learns_beside_it(ScalarType type)
    {
        using var model = TinyPairs.ResNet();
        using var batch = TinyPairs.Batch(side: 32);
        Freezing.Freeze(model, [Freezing.ImageTower]);
        var before = Copies(model);
        model.eval();
        double expected = ContrastiveLoss.FromLogits(model.call(batch.Pixels, batch.TokenIds).LogitsPerImage).ToDouble();
        using var trainer = new ClipTrainer(model, Options with { ComputeType = type });
        // bfloat16 keeps three digits of each of the values that the loss is made of.
        Assert.Equal(expected, trainer.TrainStep(batch).Loss, type == ScalarType.Float32 ? 1e-4 : 0.05);
        foreach (var (name, value) in model.state_dict().Where(pair => pair.Key.StartsWith("visual.", StringComparison.Ordinal)))
            Assert.True(value.equal(before[name]).all().item<bool>(), name);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_ResNet_that_is_trained_notes_the_statistics_of_its_batches(ScalarType type)
    {
        using var model = TinyPairs.ResNet();
        using var batch = TinyPairs.Batch(side: 32);
        using var trainer = new ClipTrainer(model, Options with { ComputeType = type });
        trainer.TrainStep(batch);
        var state = model.state_dict();
        Assert.Equal(1, state["visual.bn1.num_batches_tracked"].ToInt64());
        Assert.True(state["visual.bn1.running_mean"].abs().max().ToDouble() > 0);
    }

    [Fact]
    public void Learning_rates_fall_from_the_last_block_to_the_embeddings()
    {
        using var model = TinyPairs.Model();
        var before = Copies(model);
        // AdamW's first step is the learning rate itself, whatever the gradient's size.
        using (var trainer = new ClipTrainer(model, Options with { Steps = 1, LayerDecay = 0.5, Epsilon = 1e-20, MaxGradientNorm = 1e9 }))
        using (var batch = TinyPairs.Batch()) trainer.TrainStep(batch);
        foreach (var (name, factor) in new[]
        {
            ("visual.conv1.weight", 0.125), ("visual.transformer.resblocks.0.mlp.c_fc.weight", 0.25),
            ("visual.transformer.resblocks.1.attn.in_proj_weight", 0.5), ("visual.proj", 1), ("visual.ln_post.weight", 1),
            ("positional_embedding", 0.125), ("transformer.resblocks.1.ln_1.weight", 0.5), ("text_projection", 1), ("ln_final.bias", 1),
        })
        {
            using var scope = NewDisposeScope();
            double moved = (model.state_dict()[name] - before[name]).abs().max().ToDouble();
            Assert.Equal(factor * Options.LearningRate, moved, 1e-6);
        }
    }

    [Fact]
    public void A_point_between_two_models_is_their_weighted_mean()
    {
        using ClipModel before = TinyPairs.Model(1), after = TinyPairs.Model(2);
        foreach (double share in new[] { 0, 0.3, 1 })
        {
            using var between = WeightInterpolation.Between(before, after, share);
            var (from, to) = (before.state_dict(), after.state_dict());
            using var scope = NewDisposeScope();
            foreach (var (name, value) in between.state_dict())
                Assert.InRange(TinyPairs.Difference(value, from[name] * (1 - share) + to[name] * share), 0, 1e-7);
        }
        using var other = new ClipModel(before.Config with { EmbeddingWidth = 8 });
        Assert.Contains("two shapes", Assert.Throws<ArgumentException>(() => WeightInterpolation.Between(before, other, 0.5)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => WeightInterpolation.Between(before, after, double.NaN));
    }

    [Fact]
    public void Distillation_is_the_cross_entropy_of_the_teachers_rows_and_columns_and_is_learned()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        Tensor Unit(int width) => nn.functional.normalize(randn(5, width), p: 2, dim: -1);
        var (image, text, scale) = (Unit(8), Unit(8), tensor(1.5f));
        using var teacher = new TeacherEmbeddings(Unit(16), Unit(16), 20);
        var wanted = 20 * teacher.Images.mm(teacher.Texts.t());
        var given = Math.Exp(1.5) * image.mm(text.t());
        var rows = -(wanted.softmax(1) * given.log_softmax(1)).sum(dim: 1).mean();
        var columns = -(wanted.softmax(0) * given.log_softmax(0)).sum(dim: 0).mean();
        Assert.Equal(((rows + columns) / 2).ToDouble(), DistillationLoss.Affinity(image, text, scale, teacher).ToDouble(), 1e-5);
        using var fewer = new TeacherEmbeddings(Unit(16)[..4], Unit(16)[..4], 20);
        Assert.Throws<ArgumentException>(() => DistillationLoss.Affinity(image, text, scale, fewer));

        // A student that is asked for its teacher's similarities alone comes near them.
        using ClipModel master = TinyPairs.Model(5), student = TinyPairs.Model(6);
        TrainingBatch Taught(long _)
        {
            var batch = TinyPairs.Batch();
            using var __ = no_grad();
            return batch with
            {
                Teacher = new TeacherEmbeddings(nn.functional.normalize(master.EncodeImage(batch.Pixels), p: 2, dim: -1),
                    nn.functional.normalize(master.EncodeText(batch.TokenIds), p: 2, dim: -1), 10),
            };
        }
        using var pairs = TinyPairs.Batch();
        List<double> losses = [];
        using (var trainer = new ClipTrainer(student, Options with { Steps = 60, LearningRate = 3e-3, Distillation = 1 }))
            for (int step = 0; step < 60; step++)
            {
                using var batch = Taught(step);
                losses.Add(trainer.TrainStep(batch).Loss);
            }
        Assert.True(losses[^1] < losses[0] - 0.05, $"{losses[0]:f3} → {losses[^1]:f3}");
        using var untaught = new ClipTrainer(student, Options with { Distillation = 0.5 });
        Assert.Contains("TrainingBatch.Teacher", Assert.Throws<ArgumentException>(() => untaught.TrainStep(pairs)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new ClipTrainer(student, Options with { Distillation = 0.5, ChunkSize = 2 }));
        Assert.Throws<ArgumentException>(() => new ClipTrainer(student, Options with { LayerDecay = 0 }));
    }

    private static Dictionary<string, Tensor> Copies(ClipModel model) =>
        model.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
}
