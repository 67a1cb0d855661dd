using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.FineTuning;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.FineTuning;

public sealed class LowRankAdaptersTests : IDisposable
{
    private static readonly LowRankOptions Everywhere = new() { Rank = 3, Alpha = 6, Targets = LowRankTargets.All };
    private static readonly TrainerOptions Options = new() { Steps = 8, WarmupSteps = 1, LearningRate = 1e-2 };

    private readonly string _folder = Directory.CreateTempSubdirectory("clip-adapter-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Fresh_additions_change_nothing_and_only_they_are_trained()
    {
        using var model = TinyPairs.Model();
        using var batch = TinyPairs.Batch();
        using var before = TinyPairs.Logits(model, batch);
        var weights = model.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        using var adapters = LowRankAdapters.Attach(model, Everywhere);
        using (var attached = TinyPairs.Logits(model, batch)) Assert.True(before.allclose(attached, rtol: 0, atol: 0));
        // Of each of 4 blocks q, k, v, out: 2 · 3 · 32; fc1 and fc2: 3 · (32 + 128).
        Assert.Equal(4 * (4 * 2 * 3 * 32 + 2 * 3 * (32 + 128)), adapters.Count);

        List<double> losses = [];
        using (var trainer = new ClipTrainer(model, Options with { Steps = 60 }, adapters.Parameters))
            trainer.Train(_ => TinyPairs.Batch(), new Progress(losses));
        Assert.True(losses[^1] < 0.5 * losses[0], $"{losses[0]:f3} → {losses[^1]:f3}");
        foreach (var (name, value) in model.state_dict()) Assert.True(value.equal(weights[name]).all().item<bool>(), name);
        foreach (var value in weights.Values) value.Dispose();
    }

    [Fact]
    public void Gradients_are_those_of_the_product_of_the_two_matrices()
    {
        using var scope = NewDisposeScope();
        using var model = TinyPairs.Model();
        using var batch = TinyPairs.Batch();
        using var adapters = LowRankAdapters.Attach(model, Everywhere);
        Disturb(adapters);
        Loss(model, batch).backward();
        var found = adapters.Parameters.Select(parameter => parameter.grad!.clone()).ToList();
        var factors = adapters.Parameters.Select(parameter => parameter.detach().clone()).ToList();
        adapters.Merge();
        adapters.Dispose();

        // W' = W + s · B · A, so that dA = s · Bᵀ · dW' and dB = s · dW' · Aᵀ.
        Loss(model, batch).backward();
        const double s = 6.0 / 3;
        foreach (var (i, place) in LowRankPlace.In(model).Index())
        {
            var (a, b) = (factors[2 * i], factors[2 * i + 1]);
            var gradient = place.Weight.grad!.narrow(0, place.Row, place.Rows);
            Assert.True(found[2 * i].allclose(s * b.t().mm(gradient), rtol: 1e-3, atol: 1e-6), $"A of {place.Parameter} {place.Target}");
            Assert.True(found[2 * i + 1].allclose(s * gradient.mm(a.t()), rtol: 1e-3, atol: 1e-6),
                $"B of {place.Parameter} {place.Target}");
        }
    }

    [Fact]
    public void Merged_they_give_the_same_and_taken_out_again_the_weights_are_the_former()
    {
        using var model = TinyPairs.Model();
        using var batch = TinyPairs.Batch();
        using var plain = TinyPairs.Logits(model, batch);
        using var adapters = LowRankAdapters.Attach(model, Everywhere);
        Disturb(adapters);
        using var attached = TinyPairs.Logits(model, batch);
        Assert.True(TinyPairs.Difference(plain, attached) > 0.01);
        Assert.Contains("LowRankAdapters.Merge", Assert.Throws<InvalidOperationException>(() => PreparedClip.Prepare(model)).Message,
            StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => ClipCheckpoint.SavePretrained(model, _folder));
        Assert.Throws<InvalidOperationException>(() => LowRankAdapters.Attach(model));
        Assert.Empty(Directory.GetFiles(_folder));

        adapters.Merge();
        using (var merged = TinyPairs.Logits(model, batch)) Assert.InRange(TinyPairs.Difference(attached, merged), 0, 1e-4);
        using (var prepared = PreparedClip.Prepare(model, Precision.Float32))
        using (var given = prepared.EncodeImage(batch.Pixels))
        using (var expected = model.EncodeImage(batch.Pixels)) Assert.InRange(TinyPairs.Difference(given, expected), 0, 1e-4);
        adapters.Unmerge();
        using (var again = TinyPairs.Logits(model, batch)) Assert.InRange(TinyPairs.Difference(attached, again), 0, 1e-4);
        adapters.Dispose();
        using var former = TinyPairs.Logits(model, batch);
        Assert.InRange(TinyPairs.Difference(plain, former), 0, 1e-4);
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void A_tower_with_additions_that_are_not_merged_is_not_prepared_alone_and_one_without_is()
    {
        using var model = TinyPairs.Model();
        using var batch = TinyPairs.Batch();
        using var adapters = LowRankAdapters.Attach(model, Everywhere with { TextTower = false });
        Disturb(adapters);
        Assert.Contains("The tower has low-rank adapters", Assert.Throws<InvalidOperationException>(
            () => PreparedTower.Prepare(model.Visual, Precision.Float32)).Message, StringComparison.Ordinal);
        using (var text = PreparedTower.Prepare(model.Text, Precision.Float32))
        using (var given = text.Encode(batch.TokenIds))
        using (var expected = model.EncodeText(batch.TokenIds)) Assert.InRange(TinyPairs.Difference(given, expected), 0, 1e-4);

        adapters.Merge();
        using (var image = PreparedTower.Prepare(model.Visual, Precision.Float32))
        using (var given = image.Encode(batch.Pixels))
        using (var expected = model.EncodeImage(batch.Pixels)) Assert.InRange(TinyPairs.Difference(given, expected), 0, 1e-4);
        adapters.Unmerge();
        Assert.Throws<InvalidOperationException>(() => PreparedTower.Prepare(model.Visual));
        adapters.Dispose();
        PreparedTower.Prepare(model.Visual).Dispose();

        using var others = LowRankAdapters.Attach(model, Everywhere with { ImageTower = false });
        Assert.Throws<InvalidOperationException>(() => PreparedTower.Prepare(model.Text));
        PreparedTower.Prepare(model.Visual).Dispose();
    }

    /// <summary>The copy that mixed precision trains on would have the weights alone.</summary>
    [Fact]
    public void Beside_additions_that_are_not_merged_the_weights_are_not_trained_in_another_type()
    {
        using var model = TinyPairs.Model();
        using var adapters = LowRankAdapters.Attach(model, Everywhere);
        model.LogitScale.requires_grad = true;
        Assert.Contains("its copy in BFloat16", Assert.Throws<InvalidOperationException>(
            () => new ClipTrainer(model, Options with { ComputeType = ScalarType.BFloat16 })).Message, StringComparison.Ordinal);
        new ClipTrainer(model, Options).Dispose();
    }

    [Fact]
    public void Saved_they_lie_as_peft_lays_them_and_loaded_they_give_the_same()
    {
        using var model = TinyPairs.Model();
        using var batch = TinyPairs.Batch();
        Tensor expected;
        using (var adapters = LowRankAdapters.Attach(model, Everywhere with { Targets = LowRankTargets.Query | LowRankTargets.MlpIn }))
        {
            Disturb(adapters);
            expected = TinyPairs.Logits(model, batch);
            adapters.Save(_folder, "acme/tiny");
        }
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors"], Directory.GetFiles(_folder).Select(Path.GetFileName).Order());
        using (var file = SafetensorsFile.Open(Path.Combine(_folder, "adapter_model.safetensors")))
        {
            string[] shapes = [.. from tower in new[] { "text_model", "vision_model" } from layer in Enumerable.Range(0, TinyPairs.Layers)
                                  from part in new[] { ("mlp.fc1", 128), ("self_attn.q_proj", 32) }
                                  let module = $"base_model.model.{tower}.encoder.layers.{layer}.{part.Item1}"
                                  from tensor in new[] { $"{module}.lora_A.weight (3, 32)", $"{module}.lora_B.weight ({part.Item2}, 3)" }
                                  select tensor];
            Assert.Equal(shapes, file.Entries.Select(entry => $"{entry.Name} ({string.Join(", ", entry.Shape)})")
                .Order(StringComparer.Ordinal));
        }
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "adapter_config.json")))!;
        Assert.Equal(("LORA", 3, 6.0, "acme/tiny"), ((string)config["peft_type"]!, (int)config["r"]!, (double)config["lora_alpha"]!,
            (string)config["base_model_name_or_path"]!));
        Assert.Contains("vision_model.encoder.layers.1.mlp.fc1", config["target_modules"]!.AsArray().Select(target => (string)target!));

        using var other = TinyPairs.Model();
        using (var loaded = LowRankAdapters.Load(other, _folder))
        using (var given = TinyPairs.Logits(other, batch)) Assert.True(expected.allclose(given, rtol: 0, atol: 0));
        expected.Dispose();
    }

    [Theory]
    [InlineData("r", "8", null, null)]
    [InlineData("use_rslora", "true", null, null)]
    [InlineData("use_dora", "true", typeof(NotSupportedException), "\"use_dora\" is true")]
    [InlineData("peft_type", "\"IA3\"", typeof(NotSupportedException), "\"peft_type\" is \"IA3\"")]
    [InlineData("rank_pattern", "{\"q_proj\": 4}", typeof(NotSupportedException), "\"rank_pattern\" is {\"q_proj\":4}")]
    [InlineData("modules_to_save", "[\"visual_projection\"]", typeof(NotSupportedException), "\"modules_to_save\"")]
    [InlineData("lora_alpha", "\"many\"", typeof(CheckpointException), "lora_alpha")]
    [InlineData("lora_alpha", "-1", typeof(CheckpointException), "\"lora_alpha\" is -1")]
    public void A_configuration_is_taken_or_refused_by_its_key(string key, string value, Type? error, string? said)
    {
        using var model = TinyPairs.Model();
        using (var adapters = LowRankAdapters.Attach(model, Everywhere)) adapters.Save(_folder);
        string path = Path.Combine(_folder, "adapter_config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!;
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(path, config.ToJsonString());
        if (error is null)
        {
            LowRankAdapters.Load(model, _folder).Dispose();
            return;
        }
        string message = Assert.Throws(error, () => LowRankAdapters.Load(model, _folder)).Message;
        Assert.Contains(said!, message, StringComparison.Ordinal);
        Assert.Contains(path, message, StringComparison.Ordinal);
        Assert.Equal(0, model.UnmergedAdapters);
    }

    [Fact]
    public void An_adapter_of_another_model_or_half_of_one_is_refused()
    {
        using var model = TinyPairs.Model();
        string file = Path.Combine(_folder, "adapter_model.safetensors");
        Assert.Throws<FileNotFoundException>(() => LowRankAdapters.Load(model, _folder));
        using (var adapters = LowRankAdapters.Attach(model, Everywhere)) adapters.Save(_folder);
        string q = "base_model.model.text_model.encoder.layers.0.self_attn.q_proj.lora_";
        Refused(new() { [q + "A.weight"] = zeros(3, 32) }, "lora_B.weight");
        Refused(new() { [q + "A.weight"] = zeros(3, 64), [q + "B.weight"] = zeros(64, 3) }, "(3, 64)", "takes (r, 32) and (32, r)");
        Refused(new() { ["base_model.model.text_model.encoder.layers.9.self_attn.q_proj.lora_A.weight"] = zeros(3, 32) }, "layers.9");
        Refused(new() { ["visual.proj"] = zeros(3, 32) }, "\"visual.proj\"");

        void Refused(Dictionary<string, Tensor> tensors, params string[] said)
        {
            SafetensorsFile.Write(file, tensors);
            string message = Assert.Throws<CheckpointException>(() => LowRankAdapters.Load(model, _folder)).Message;
            Assert.All(said, part => Assert.Contains(part, message, StringComparison.Ordinal));
            foreach (var tensor in tensors.Values) tensor.Dispose();
        }
    }

    [Fact]
    public void A_run_that_is_interrupted_and_resumed_ends_in_the_same_additions()
    {
        string path = Path.Combine(_folder, "run.checkpoint");
        var whole = Run(0);
        Run(4);
        var resumed = Run(4, resume: true);
        foreach (var (a, b) in whole.Zip(resumed)) Assert.True(a.equal(b).all().item<bool>());
        foreach (var tensor in whole.Concat(resumed)) tensor.Dispose();

        List<Tensor> Run(int stopAt, bool resume = false)
        {
            using var model = TinyPairs.Model();
            using var adapters = LowRankAdapters.Attach(model, Everywhere);
            using var trainer = new ClipTrainer(model, Options, adapters.Parameters);
            if (resume) trainer.Resume(path);
            using var batch = TinyPairs.Batch(trainer.Step);
            while (trainer.Step < (stopAt == 0 || resume ? Options.Steps : stopAt))
            {
                using var next = TinyPairs.Batch(trainer.Step);
                trainer.TrainStep(next);
            }
            if (stopAt > 0 && !resume) trainer.Save(path);
            return [.. adapters.Parameters.Select(parameter => parameter.detach().clone())];
        }
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        using var model = TinyPairs.Model();
        Assert.Throws<ArgumentException>(() => LowRankAdapters.Attach(model, new LowRankOptions { Rank = 0 }));
        Assert.Throws<ArgumentException>(() => LowRankAdapters.Attach(model, new LowRankOptions { Targets = LowRankTargets.None }));
        using var adapters = LowRankAdapters.Attach(model);
        Assert.Contains("nothing to train", Assert.Throws<ArgumentException>(() => new ClipTrainer(model, Options)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() =>
            new ClipTrainer(model, Options with { ComputeType = ScalarType.BFloat16 }, adapters.Parameters));
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

    private sealed class Progress(List<double> losses) : IProgress<TrainingStep>
    {
        public void Report(TrainingStep value) => losses.Add(value.Loss);
    }
}
