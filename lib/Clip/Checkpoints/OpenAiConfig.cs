using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>The shape of a model that comes without a configuration, read off its weights (openai/CLIP <c>build_model</c>).</summary>
internal static class OpenAiConfig
{
    internal static ClipConfig Infer(SafetensorsFile file)
    {
        IReadOnlyList<long> Shape(string name) => file.Entry(name).Shape;
        int Blocks(string prefix) => file.Entries.Select(e => e.Name).Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => n[prefix.Length..].Split('.')[0]).Distinct().Count();

        int textWidth = (int)Shape("ln_final.weight")[0];
        return new ClipConfig
        {
            Vision = file.Contains("visual.proj") ? VisionTransformer() : ResNet(),
            Text = new TextConfig
            {
                ContextLength = (int)Shape("positional_embedding")[0],
                VocabularySize = (int)Shape("token_embedding.weight")[0],
                Width = textWidth,
                Layers = Blocks("transformer.resblocks."),
                Heads = Math.Max(1, textWidth / 64),
            },
            EmbeddingWidth = (int)Shape("text_projection")[1],
        };

        VisionConfig VisionTransformer()
        {
            int width = (int)Shape("visual.conv1.weight")[0], patch = (int)Shape("visual.conv1.weight")[^1];
            return new VisionConfig
            {
                ImageSize = Side("visual.positional_embedding") * patch,
                PatchSize = patch,
                Width = width,
                Layers = Blocks("visual.transformer.resblocks."),
                Heads = Math.Max(1, width / 64),
            };
        }

        VisionConfig ResNet() => VisionConfig.ResNet(
            Side("visual.attnpool.positional_embedding") * ModifiedResNet.TotalStride,
            (int)Shape("visual.layer1.0.conv1.weight")[0],
            (Blocks("visual.layer1."), Blocks("visual.layer2."), Blocks("visual.layer3."), Blocks("visual.layer4.")));

        int Side(string positions) => (int)Math.Round(Math.Sqrt(Shape(positions)[0] - 1));
    }
}
