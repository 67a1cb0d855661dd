using System.Text.Json;
using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Tests.Models;

/// <summary>One of the tiny models of the reference data, with what the reference implementation computed with it.</summary>
internal sealed class ReferenceModel : IDisposable
{
    internal ReferenceModel(string name)
    {
        Json = JsonDocument.Parse(File.ReadAllText(Repository.Reference("models", name, "model.json"))).RootElement;
        Inputs = new ReferenceTensors(name, "inputs.safetensors");
        Outputs = new ReferenceTensors(name, "outputs.safetensors");
        Model = new ClipModel(Config(Json));
        using var weights = new ReferenceTensors(name, "openai.safetensors");
        weights.LoadInto(Model);
        Model.eval();
    }

    internal JsonElement Json { get; }

    internal ReferenceTensors Inputs { get; }

    internal ReferenceTensors Outputs { get; }

    internal ClipModel Model { get; }

    public void Dispose()
    {
        Model.Dispose();
        Inputs.Dispose();
        Outputs.Dispose();
    }

    /// <summary>openai/CLIP's constructor arguments as a configuration.</summary>
    internal static ClipConfig Config(JsonElement json)
    {
        var config = json.GetProperty("config");
        int Value(string name) => config.GetProperty(name).GetInt32();
        return new ClipConfig
        {
            Vision = config.GetProperty("vision_layers").ValueKind == JsonValueKind.Array ? ResNet() : new VisionConfig
            {
                ImageSize = Value("image_resolution"),
                PatchSize = Value("vision_patch_size"),
                Width = Value("vision_width"),
                Layers = Value("vision_layers"),
                Heads = json.GetProperty("vision_heads").GetInt32(),
            },
            Text = new TextConfig
            {
                ContextLength = Value("context_length"),
                VocabularySize = Value("vocab_size"),
                Width = Value("transformer_width"),
                Layers = Value("transformer_layers"),
                Heads = Value("transformer_heads"),
            },
            EmbeddingWidth = Value("embed_dim"),
        };

        VisionConfig ResNet()
        {
            int[] blocks = [.. config.GetProperty("vision_layers").EnumerateArray().Select(b => b.GetInt32())];
            return VisionConfig.ResNet(Value("image_resolution"), Value("vision_width"), (blocks[0], blocks[1], blocks[2], blocks[3]));
        }
    }
}
