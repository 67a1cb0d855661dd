using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>
/// Two references. Recorded outputs: models/siglip, whose weights are random under the names of transformers' <c>SiglipModel</c>; the image
/// tower is timm 1.0.29.dev0's <c>VisionTransformer</c> (attention pooling), the text tower open_clip 4.2.0.dev0's <c>TextTransformer</c>,
/// as open_clip builds its SigLIP models; PyTorch 1.13. And the values worked out here in float64 with plain tensor operations, from
/// transformers' <c>modeling_siglip.py</c> line by line: one linear layer for each of q, k, v, softmax written out, GELU by its tanh
/// formula. 1e-5 of the largest magnitude is float32's rounding.
/// </summary>
public sealed class SiglipTests : IDisposable
{
    private const int Width = 24, Heads = 3, Layers = 2, Hidden = 40, Image = 20, Patch = 8, Length = 6, Vocabulary = 30;
    private const double Tolerance = 1e-5;

    private readonly string _folder = Directory.CreateTempSubdirectory("siglip").FullName;
    private readonly Dictionary<string, Tensor> _weights = [];

    public SiglipTests()
    {
        random.manual_seed(11);
        foreach (var (name, shape) in Shapes()) _weights[name] =
            (0.3 * randn(shape) + (name.Contains("norm.weight", StringComparison.Ordinal)
            || name.Contains("norm1.weight", StringComparison.Ordinal) || name.Contains("norm2.weight", StringComparison.Ordinal) ? 1 : 0))
            .DetachFromDisposeScope();
        SafetensorsFile.Write(Path.Combine(_folder, "model.safetensors"), _weights);
        WriteConfig(_ => { });
    }

    public void Dispose()
    {
        foreach (var weight in _weights.Values) weight.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Both_towers_and_the_logits_equal_the_public_description_step_by_step()
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var model = ClipCheckpoint.FromPretrained(_folder);
        using Trace vision = new(), text = new();
        Tensor pixels = randn(3, 3, Image, Image), ids = randint(0, Vocabulary, [4, Length], dtype: int64);
        var (imageStates, image) = ExpectedImage(pixels);
        var (textStates, embedded) = ExpectedText(ids);

        Close.Relative(imageStates[^1], model.Visual.LastHiddenState(pixels, vision), Tolerance);
        Close.Relative(textStates[^1], model.Text.LastHiddenState(ids, text), Tolerance);
        for (int i = 0; i <= Layers; i++)
        {
            Close.Relative(imageStates[i], vision[$"hidden.{i}"], Tolerance);
            Close.Relative(textStates[i], text[$"hidden.{i}"], Tolerance);
        }
        Assert.Equal([4L, Heads, Length, Length], text["attention.1"].shape);
        Close.Relative(image, model.EncodeImage(pixels), Tolerance);
        Close.Relative(embedded, model.EncodeText(ids), Tolerance);

        var cosines = (image / image.norm(1, true, 2)).mm((embedded / embedded.norm(1, true, 2)).t());
        var expected = cosines * W("logit_scale").exp() + W("logit_bias");
        var (perImage, perText) = model.call(pixels, ids);
        Close.Relative(expected, perImage, Tolerance);
        Close.Relative(expected.t(), perText, Tolerance);
    }

    [Fact]
    public void Hidden_states_embeddings_and_logits_equal_those_of_timm_and_open_clip()
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var recorded = SafetensorsFile.Open(Repository.Reference("models", "siglip", "outputs.safetensors"));
        using var model = ClipCheckpoint.FromPretrained(Repository.Reference("models", "siglip"));
        Tensor images = recorded.Read("images"), ids = recorded.Read("token_ids");
        using Trace vision = new(), text = new();
        Close.Relative(recorded.Read("vision.last_hidden_state"), model.Visual.LastHiddenState(images, vision), Tolerance);
        Close.Relative(recorded.Read("text.last_hidden_state"), model.Text.LastHiddenState(ids, text), Tolerance);
        for (int i = 0; i <= 2; i++)
        {
            Close.Relative(recorded.Read($"vision.hidden.{i}"), vision[$"hidden.{i}"], Tolerance);
            Close.Relative(recorded.Read($"text.hidden.{i}"), text[$"hidden.{i}"], Tolerance);
        }
        Close.Relative(recorded.Read("encode_image"), model.EncodeImage(images), Tolerance);
        Close.Relative(recorded.Read("encode_text"), model.EncodeText(ids), Tolerance);
        Close.Relative(recorded.Read("logits_per_image"), model.call(images, ids).LogitsPerImage, Tolerance);

        // In float64, where rounding is 1e-16 a step.
        model.to(float64);
        Close.Relative(recorded.Read("encode_image.f64"), model.EncodeImage(images.to(float64)), 1e-12);
        Close.Relative(recorded.Read("encode_text.f64"), model.EncodeText(ids), 1e-12);
        Close.Relative(recorded.Read("logits_per_image.f64"), model.call(images.to(float64), ids).LogitsPerImage, 1e-12);
    }

    [Fact]
    public void Every_token_sees_the_padding_so_that_rows_are_filled_up()
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var model = ClipCheckpoint.FromPretrained(_folder);
        var rows = tensor([5L, 6, 1, 1, 1, 1], [1, Length]);
        using var trace = new Trace();
        model.Text.LastHiddenState(rows, trace);
        Assert.True(model.Config.Text.NeedsFullRows);
        Assert.True(trace["attention.1"][0, 0, 0, Length - 1].item<float>() > 0);
        Assert.Contains("filled up to 6 tokens with the id 1",
            Assert.Throws<ArgumentException>(() => model.EncodeText(rows.narrow(1, 0, 4))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_saved_model_has_Hugging_Faces_names_and_comes_back_bit_for_bit()
    {
        using var scope = NewDisposeScope();
        using var model = ClipCheckpoint.FromPretrained(_folder);
        string other = Path.Combine(_folder, "saved");
        ClipCheckpoint.SavePretrained(model, other);
        using (var file = SafetensorsFile.Open(Path.Combine(other, "model.safetensors")))
        {
            Assert.Equal(_weights.Keys.Order(StringComparer.Ordinal), file.Names.Order(StringComparer.Ordinal));
            foreach (var (name, weight) in _weights) Assert.True(weight.equal(file.Read(name)).all().item<bool>(), name);
        }
        using var loaded = ClipCheckpoint.FromPretrained(other, dtype: bfloat16);
        Assert.Equal(model.Config, loaded.Config);
        Assert.All(loaded.parameters(), parameter => Assert.Equal(bfloat16, parameter.dtype));
    }

    [Theory]
    [InlineData("base", 203_155_970, 92.88, 110.27)]
    [InlineData("so400m", 877_960_498, 428.23, 449.73)]
    public void The_published_sizes_have_their_parameters_and_their_configuration_may_leave_out_what_is_usual(
        string size, long parameters, double imageMillions, double textMillions)
    {
        // Counts in millions: open_clip 4.2.0.dev0, docs/model_profile.csv, ViT-B-16-SigLIP and ViT-SO400M-14-SigLIP-384.
        var config = size == "base" ? ClipConfig.SiglipBasePatch16 : ClipConfig.SiglipSo400mPatch14At384;
        File.WriteAllText(Path.Combine(_folder, "config.json"), size == "base"
            ? """
              { "model_type": "siglip", "text_config": { "model_type": "siglip_text_model" },
                "vision_config": { "model_type": "siglip_vision_model" } }
              """
            : """
              { "model_type": "siglip",
                "text_config": { "hidden_size": 1152, "intermediate_size": 4304, "num_attention_heads": 16, "num_hidden_layers": 27 },
                "vision_config": { "hidden_size": 1152, "image_size": 384, "intermediate_size": 4304, "num_attention_heads": 16,
                  "num_hidden_layers": 27, "patch_size": 14 } }
              """);
        var read = HuggingFaceConfig.Load(Path.Combine(_folder, "config.json"));
        Assert.Equal((config.VisionBlock, config.TextBlock), (read.VisionBlock, read.TextBlock));
        Assert.Equal(config, read);

        using var scope = NewDisposeScope();
        using var model = new ClipModel(config, META);
        long image = model.Visual.parameters().Sum(p => p.numel()), text = model.Text.parameters().Sum(p => p.numel());
        Assert.Equal(parameters, image + text + 2);
        Assert.Equal((imageMillions, textMillions), (Math.Round(image / 1e6, 2), Math.Round(text / 1e6, 2)));
    }

    [Theory]
    [InlineData("model_type", "siglip2", "vision_model.embeddings.patch_embedding.weight is (24, 3, 8, 8), the configuration asks for " +
        "(24, 192)")]
    [InlineData("vision_config.vision_use_head", false, "\"vision_config.vision_use_head\" is false")]
    [InlineData("vision_config.num_channels", 4, "\"vision_config.num_channels\" is 4")]
    [InlineData("vision_config.patch_size", 21, "Vision.ImageSize is 20, less than Vision.PatchSize (21)")]
    [InlineData("text_config.projection_size", 25,
        "\"text_config.projection_size\" is 25, which must be \"vision_config.hidden_size\" (24)")]
    [InlineData("text_config.layer_norm_eps", -0.5, "Text.LayerNormEpsilon is -0.5")]
    [InlineData("text_config.pad_token_id", 30, "Text.PaddingId is 30")]
    [InlineData("text_config.num_hidden_layers", 3, "text_config.num_hidden_layers is 3, the file has 2 blocks")]
    [InlineData("text_config.vocab_size", 31, "text_model.embeddings.token_embedding.weight is (30, 24), the configuration asks for (31, " +
        "24)")]
    public void What_is_not_supported_or_does_not_fit_is_refused_by_name(string key, object value, string reason)
    {
        WriteConfig(root =>
        {
            string[] path = key.Split('.');
            (path.Length == 1 ? root : root[path[0]]!)[path[^1]] = JsonSerializer.SerializeToNode(value);
        });
        Assert.Contains(reason, Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_configuration_says_what_to_do()
    {
        File.Delete(Path.Combine(_folder, "config.json"));
        Assert.Contains("config.json", Assert.Throws<FileNotFoundException>(() => ClipCheckpoint.FromPretrained(_folder)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Other_resolutions_are_taken_with_interpolated_positions()
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var model = ClipCheckpoint.FromPretrained(_folder);
        Assert.Throws<ArgumentException>(() => model.EncodeImage(zeros(1, 3, 32, 24)));
        model.Visual.InterpolatePositions = true;
        var pixels = randn(1, 3, 32, 24);
        var patches = nn.functional.conv2d(pixels, _weights["vision_model.embeddings.patch_embedding.weight"],
            _weights["vision_model.embeddings.patch_embedding.bias"], strides: [Patch, Patch]).flatten(2).transpose(1, 2);
        var positions = PositionEmbedding.Interpolate(_weights["vision_model.embeddings.position_embedding.weight"], 0, 4, 3);
        Close.Relative(patches + positions, model.Visual.Embed(pixels), Tolerance);
        Assert.Equal([1L, Width], model.EncodeImage(pixels).shape);
    }

    [Fact]
    public void Every_parameter_learns_from_the_sigmoid_loss_and_a_step_leaves_no_tensor()
    {
        using var model = ClipCheckpoint.FromPretrained(_folder);
        Step();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Step();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Step()
        {
            using var scope = NewDisposeScope();
            var (logits, _) = model.call(randn(3, 3, Image, Image), randint(0, Vocabulary, [3, Length], dtype: int64));
            var pairs = 2 * eye(3) - 1;
            (-nn.functional.logsigmoid(pairs * logits)).sum().backward();
            foreach (var (name, parameter) in model.named_parameters()) Assert.False(parameter.grad is null, name);
            model.zero_grad();
        }
    }

    private static IEnumerable<(string Name, long[] Shape)> Shapes()
    {
        yield return ("logit_scale", [1]);
        yield return ("logit_bias", [1]);
        yield return ("text_model.embeddings.token_embedding.weight", [Vocabulary, Width]);
        yield return ("text_model.embeddings.position_embedding.weight", [Length, Width]);
        yield return ("vision_model.embeddings.patch_embedding.weight", [Width, 3, Patch, Patch]);
        yield return ("vision_model.embeddings.patch_embedding.bias", [Width]);
        yield return ("vision_model.embeddings.position_embedding.weight", [Image / Patch * (Image / Patch), Width]);
        yield return ("vision_model.head.probe", [1, 1, Width]);
        yield return ("vision_model.head.attention.in_proj_weight", [3 * Width, Width]);
        yield return ("vision_model.head.attention.in_proj_bias", [3 * Width]);
        foreach (var entry in Linear("vision_model.head.attention.out_proj", Width, Width).Concat(Norm("vision_model.head.layernorm"))
            .Concat(Mlp("vision_model.head"))) yield return entry;
        foreach (var entry in Norm("text_model.final_layer_norm").Concat(Norm("vision_model.post_layernorm"))
            .Concat(Linear("text_model.head", Width, Width))) yield return entry;
        foreach (string tower in new[] { "text_model", "vision_model" })
        {
            for (int i = 0; i < Layers; i++)
            {
                string layer = $"{tower}.encoder.layers.{i}";
                foreach (char part in "qkv")
                    foreach (var entry in Linear($"{layer}.self_attn.{part}_proj", Width, Width)) yield return entry;
                foreach (var entry in Linear($"{layer}.self_attn.out_proj", Width, Width).Concat(Norm($"{layer}.layer_norm1"))
                    .Concat(Norm($"{layer}.layer_norm2")).Concat(Mlp(layer))) yield return entry;
            }
        }

        static IEnumerable<(string, long[])> Linear(string name, long from, long to) =>
            [($"{name}.weight", [to, from]), ($"{name}.bias", [to])];
        static IEnumerable<(string, long[])> Norm(string name) => [($"{name}.weight", [Width]), ($"{name}.bias", [Width])];
        static IEnumerable<(string, long[])> Mlp(string name) =>
            Linear($"{name}.mlp.fc1", Width, Hidden).Concat(Linear($"{name}.mlp.fc2", Hidden, Width));
    }

    private void WriteConfig(Action<JsonNode> change)
    {
        var root = JsonNode.Parse($$"""
            { "model_type": "siglip",
              "text_config": { "hidden_size": {{Width}}, "intermediate_size": {{Hidden}},
                "num_attention_heads": {{Heads}}, "num_hidden_layers": {{Layers}},
                "max_position_embeddings": {{Length}}, "vocab_size": {{Vocabulary}}, "bos_token_id": 49406, "eos_token_id": 49407 },
              "vision_config": { "hidden_size": {{Width}}, "intermediate_size": {{Hidden}},
                "num_attention_heads": {{Heads}}, "num_hidden_layers": {{Layers}},
                "image_size": {{Image}}, "patch_size": {{Patch}} } }
            """)!;
        change(root);
        File.WriteAllText(Path.Combine(_folder, "config.json"), root.ToJsonString());
    }

    private Tensor W(string name) => _weights[name].to(float64);

    /// <summary>The states before the first layer, after each, and after the last norm; and the pooled output.</summary>
    private (List<Tensor> States, Tensor Pooled) ExpectedImage(Tensor pixels)
    {
        var x = nn.functional.conv2d(pixels.to(float64), W("vision_model.embeddings.patch_embedding.weight"),
            W("vision_model.embeddings.patch_embedding.bias"), strides: [Patch, Patch]).flatten(2).transpose(1, 2);
        var states = Encode("vision_model", x + W("vision_model.embeddings.position_embedding.weight"));
        states.Add(Norm(states[^1], "vision_model.post_layernorm"));

        Tensor weight = W("vision_model.head.attention.in_proj_weight"), bias = W("vision_model.head.attention.in_proj_bias");
        var parts = Enumerable.Range(0, 3).Select(i => (Weight: weight.narrow(0, i * Width, Width), Bias: bias.narrow(0, i * Width, Width)))
            .ToArray();
        var probe = W("vision_model.head.probe").repeat(x.shape[0], 1, 1);
        var pooled = Linear(
            Attention(probe.matmul(parts[0].Weight.t()) + parts[0].Bias, states[^1].matmul(parts[1].Weight.t()) + parts[1].Bias,
                states[^1].matmul(parts[2].Weight.t()) + parts[2].Bias),
            "vision_model.head.attention.out_proj");
        pooled += Mlp(Norm(pooled, "vision_model.head.layernorm"), "vision_model.head.mlp");
        return (states, pooled.select(1, 0));
    }

    private (List<Tensor> States, Tensor Pooled) ExpectedText(Tensor ids)
    {
        var embedded = W("text_model.embeddings.token_embedding.weight").index_select(0, ids.flatten()).view(ids.shape[0], Length, Width);
        var states = Encode("text_model", embedded + W("text_model.embeddings.position_embedding.weight"));
        states.Add(Norm(states[^1], "text_model.final_layer_norm"));
        return (states, Linear(states[^1].select(1, Length - 1), "text_model.head"));
    }

    private List<Tensor> Encode(string tower, Tensor x)
    {
        List<Tensor> states = [x];
        for (int i = 0; i < Layers; i++)
        {
            string layer = $"{tower}.encoder.layers.{i}";
            var normed = Norm(x, $"{layer}.layer_norm1");
            x += Linear(Attention(Linear(normed, $"{layer}.self_attn.q_proj"), Linear(normed, $"{layer}.self_attn.k_proj"),
                Linear(normed, $"{layer}.self_attn.v_proj")), $"{layer}.self_attn.out_proj");
            x += Mlp(Norm(x, $"{layer}.layer_norm2"), $"{layer}.mlp");
            states.Add(x);
        }
        return states;
    }

    /// <summary>Head by head: softmax(q kᵀ / √K) v.</summary>
    private static Tensor Attention(Tensor q, Tensor k, Tensor v)
    {
        const int K = Width / Heads;
        return cat([.. Enumerable.Range(0, Heads).Select(head =>
        {
            var scores = q.narrow(2, head * K, K).matmul(k.narrow(2, head * K, K).transpose(1, 2)) / Math.Sqrt(K);
            var exponentials = scores.exp();
            return (exponentials / exponentials.sum(-1, keepdim: true)).matmul(v.narrow(2, head * K, K));
        })], 2);
    }

    private Tensor Linear(Tensor x, string name) => x.matmul(W($"{name}.weight").t()) + W($"{name}.bias");

    private Tensor Norm(Tensor x, string name)
    {
        var centred = x - x.mean([-1], keepdim: true);
        return centred / ((centred * centred).mean([-1], keepdim: true) + 1e-6).sqrt() * W($"{name}.weight") + W($"{name}.bias");
    }

    private Tensor Mlp(Tensor x, string name)
    {
        var hidden = Linear(x, $"{name}.fc1");
        return Linear(0.5 * hidden * (1 + (Math.Sqrt(2 / Math.PI) * (hidden + 0.044715 * hidden.pow(3))).tanh()), $"{name}.fc2");
    }
}
