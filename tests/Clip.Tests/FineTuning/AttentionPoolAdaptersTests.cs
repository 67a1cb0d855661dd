using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.FineTuning;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.FineTuning;

/// <summary>A ResNet has one attention, its pool: low-rank additions go to its four matrices too.</summary>
public sealed class AttentionPoolAdaptersTests : IDisposable
{
    private const int Side = 32, Pool = 128, Embedding = 16;

    private static readonly LowRankOptions OfImages = new()
    {
        Rank = 3, Alpha = 6, Targets = LowRankTargets.Attention, TextTower = false,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("clip-pool-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Additions_go_to_the_pool_and_a_training_moves_nothing_of_the_model()
    {
        using var model = TinyPairs.ResNet();
        using var batch = TinyPairs.Batch(side: Side);
        Note(model, batch);
        using var before = TinyPairs.Logits(model, batch);
        var weights = model.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());     // with running statistics
        using var adapters = LowRankAdapters.Attach(model, OfImages);
        // A convolution of which no gradient is asked may be summed in another order: equal but for rounding.
        using (var attached = TinyPairs.Logits(model, batch)) Assert.InRange(TinyPairs.Difference(before, attached), 0, 1e-5);
        Assert.Equal(3 * (3 * (Pool + Pool) + Pool + Embedding), adapters.Count);

        var options = new TrainerOptions { Steps = 40, WarmupSteps = 1, LearningRate = 1e-2 };
        List<double> losses = [];
        using (var trainer = new ClipTrainer(model, options, adapters.Parameters))
            while (trainer.Step < options.Steps)
            {
                using var next = TinyPairs.Batch(side: Side);
                losses.Add(trainer.TrainStep(next).Loss);
            }
        Assert.True(losses[^1] < 0.5 * losses[0], $"{losses[0]:f3} → {losses[^1]:f3}");
        foreach (var (name, value) in model.state_dict()) Assert.True(value.equal(weights[name]).all().item<bool>(), name);
        foreach (var value in weights.Values) value.Dispose();
    }

    [Fact]
    public void Gradients_are_those_of_the_product_of_the_two_matrices()
    {
        using var scope = NewDisposeScope();
        using var model = TinyPairs.ResNet();
        using var batch = TinyPairs.Batch(side: Side);
        using var adapters = LowRankAdapters.Attach(model, OfImages);
        Disturb(adapters);
        Loss(model, batch).backward();
        var found = adapters.Parameters.Select(parameter => parameter.grad!.clone()).ToList();
        var factors = adapters.Parameters.Select(parameter => parameter.detach().clone()).ToList();
        adapters.Merge();
        adapters.Dispose();

        // W' = W + s · B · A, so that dA = s · Bᵀ · dW' and dB = s · dW' · Aᵀ.
        Loss(model, batch).backward();
        const double s = 6.0 / 3;
        var places = LowRankPlace.In(model).Where(place => place.IsOfImages).ToList();
        Assert.Equal(["k_proj Key", "q_proj Query", "v_proj Value", "c_proj Output"],
            places.Select(place => $"{place.Parameter.Split('.')[^2]} {place.Target}"));
        foreach (var (i, place) in places.Index())
        {
            var (a, b, gradient) = (factors[2 * i], factors[2 * i + 1], place.Weight.grad!);
            // Sums of float32 in another order: 1e-3 of a value, or 1e-3 of the matrix's largest where it is near 0.
            double near = 1e-3 * gradient.abs().max().ToDouble();
            Assert.True(found[2 * i].allclose(s * b.t().mm(gradient), rtol: 1e-3, atol: near), $"A of {place.Parameter}");
            Assert.True(found[2 * i + 1].allclose(s * gradient.mm(a.t()), rtol: 1e-3, atol: near), $"B of {place.Parameter}");
            Assert.True(found[2 * i].abs().max().ToDouble() > 0, $"A of {place.Parameter} is told nothing");
        }
    }

    [Fact]
    public void Merged_they_give_the_same_and_taken_out_again_the_weights_are_the_former()
    {
        using var model = TinyPairs.ResNet();
        using var batch = TinyPairs.Batch(side: Side);
        using var plain = TinyPairs.Logits(model, batch);
        using var adapters = LowRankAdapters.Attach(model, OfImages);
        Disturb(adapters);
        using var attached = TinyPairs.Logits(model, batch);
        Assert.True(TinyPairs.Difference(plain, attached) > 0.01);
        adapters.Merge();
        using (var merged = TinyPairs.Logits(model, batch)) Assert.InRange(TinyPairs.Difference(attached, merged), 0, 1e-4);
        ClipCheckpoint.SavePretrained(model, _folder, CheckpointLayout.OpenClip);
        using (var saved = ClipCheckpoint.FromPretrained(_folder))
        using (var given = TinyPairs.Logits(saved, batch)) Assert.InRange(TinyPairs.Difference(attached, given), 0, 1e-4);
        adapters.Unmerge();
        using (var again = TinyPairs.Logits(model, batch)) Assert.InRange(TinyPairs.Difference(attached, again), 0, 1e-4);
        adapters.Dispose();
        using var former = TinyPairs.Logits(model, batch);
        Assert.InRange(TinyPairs.Difference(plain, former), 0, 1e-4);
    }

    [Fact]
    public void Saved_they_have_OpenClips_names_and_loaded_they_give_the_same()
    {
        using var model = TinyPairs.ResNet();
        using var batch = TinyPairs.Batch(side: Side);
        Tensor expected;
        using (var adapters = LowRankAdapters.Attach(model, OfImages with { TextTower = true, Targets = LowRankTargets.All }))
        {
            Disturb(adapters);
            expected = TinyPairs.Logits(model, batch);
            adapters.Save(_folder);
        }
        (string Module, int Out, int In)[] pool = [("c_proj", Embedding, Pool), ("k_proj", Pool, Pool), ("q_proj", Pool, Pool),
            ("v_proj", Pool, Pool)];
        (string Module, int Out, int In)[] block = [("attn.k_proj", 32, 32), ("attn.out_proj", 32, 32), ("attn.q_proj", 32, 32),
            ("attn.v_proj", 32, 32), ("mlp.c_fc", 128, 32), ("mlp.c_proj", 32, 128)];
        string[] shapes =
        [
            .. from layer in Enumerable.Range(0, TinyPairs.Layers) from part in block
               from line in Pair($"transformer.resblocks.{layer}.{part.Module}", part) select line,
            .. from part in pool from line in Pair($"visual.attnpool.{part.Module}", part) select line,
        ];
        using (var file = SafetensorsFile.Open(Path.Combine(_folder, "adapter_model.safetensors")))
            Assert.Equal(shapes, file.Entries.Select(entry => $"{entry.Name} ({string.Join(", ", entry.Shape)})")
                .Order(StringComparer.Ordinal));
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "adapter_config.json")))!;
        Assert.Contains("visual.attnpool.q_proj", config["target_modules"]!.AsArray().Select(target => (string)target!));

        using var other = TinyPairs.ResNet();
        using (var loaded = LowRankAdapters.Load(other, _folder))
        using (var given = TinyPairs.Logits(other, batch)) Assert.True(expected.allclose(given, rtol: 0, atol: 0));
        expected.Dispose();

        static string[] Pair(string module, (string Module, int Out, int In) part) =>
            [$"base_model.model.{module}.lora_A.weight (3, {part.In})", $"base_model.model.{module}.lora_B.weight ({part.Out}, 3)"];
    }

    /// <summary>As a trained ResNet's: what its batch normalisation has noted fits what it sees.</summary>
    private static void Note(ClipModel model, TrainingBatch batch)
    {
        using var _ = no_grad();
        model.train();
        for (int i = 0; i < 40; i++) model.EncodeImage(batch.Pixels).Dispose();
    }

    /// <summary>B begins at 0: without this an addition is nothing.</summary>
    private static void Disturb(LowRankAdapters adapters)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        manual_seed(7);
        foreach (var parameter in adapters.Parameters) parameter.copy_(randn_like(parameter).mul(0.1));
    }

    private static Tensor Loss(ClipModel model, TrainingBatch batch)
    {
        model.train();
        return ContrastiveLoss.FromLogits(model.call(batch.Pixels, batch.TokenIds).LogitsPerImage);
    }
}
