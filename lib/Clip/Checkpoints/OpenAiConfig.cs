using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>The shape of a model that comes without a configuration, read off its weights (openai/CLIP <c>build_model</c>).</summary>
internal static class OpenAiConfig
{
    internal static ClipConfig Infer(SafetensorsFile file)
    {
        IReadOnlyList<long> Shape(string name) => file.Entry(name).Shape;
        int Blocks(string prefix) => file.Entries.Select(e => e.Name).Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => n[prefix.Length..].Split('.')[0]).Distinct().Count();

        var patches = Shape("visual.conv1.weight");
        if (patches.Count != 4 || !file.Contains("visual.proj"))
            throw new CheckpointException($"{file.Path} holds a CLIP whose image tower is no Vision Transformer; only those are read without a configuration.");
        int width = (int)patches[0], patch = (int)patches[3], textWidth = (int)Shape("ln_final.weight")[0];
        int grid = (int)Math.Round(Math.Sqrt(Shape("visual.positional_embedding")[0] - 1));
        return new ClipConfig
        {
            Vision = new VisionConfig
            {
                ImageSize = grid * patch,
                PatchSize = patch,
                Width = width,
                Layers = Blocks("visual.transformer.resblocks."),
                Heads = Math.Max(1, width / 64),
            },
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
    }
}
