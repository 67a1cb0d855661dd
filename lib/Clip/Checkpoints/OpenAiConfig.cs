using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Infers the shape of a model without a configuration from its weights (openai/CLIP <c>build_model</c>), taking it to have QuickGELU and
/// heads 64 wide.
/// </summary>
internal static class OpenAiConfig
{
    /// <exception cref="CheckpointException">
    /// A tensor that decides the shape is missing or has the wrong number of dimensions, or the shapes do not fit together as a CLIP's.
    /// </exception>
    internal static ClipConfig Infer(IWeightFile file)
    {
        int textWidth = Side("ln_final.weight", 0, 1);
        var config = new ClipConfig
        {
            Vision = file.Contains("visual.proj") ? VisionTransformer() : ResNet(),
            Text = new TextConfig
            {
                ContextLength = Side("positional_embedding", 0, 2),
                VocabularySize = Side("token_embedding.weight", 0, 2),
                Width = textWidth,
                Layers = file.Blocks("transformer.resblocks."),
                Heads = Math.Max(1, textWidth / 64),
            },
            EmbeddingWidth = Side("text_projection", 1, 2),
        };
        try
        {
            config.Validate();
            return config;
        }
        catch (ArgumentException exception)
        {
            throw new CheckpointException($"The shapes of the tensors in {file.Path} give no CLIP: {exception.Message}", exception);
        }

        VisionConfig VisionTransformer()
        {
            int width = Side("visual.conv1.weight", 0, 4), patch = Side("visual.conv1.weight", 3, 4);
            return new VisionConfig
            {
                ImageSize = checked(Grid("visual.positional_embedding") * patch),
                PatchSize = patch,
                Width = width,
                Layers = file.Blocks("visual.transformer.resblocks."),
                Heads = Math.Max(1, width / 64),
            };
        }

        VisionConfig ResNet() => VisionConfig.ResNet(
            Grid("visual.attnpool.positional_embedding") * ModifiedResNet.TotalStride,
            Side("visual.layer1.0.conv1.weight", 0, 4),
            (file.Blocks("visual.layer1."), file.Blocks("visual.layer2."), file.Blocks("visual.layer3."), file.Blocks("visual.layer4.")));

        int Grid(string positions) => (int)Math.Round(Math.Sqrt(Side(positions, 0, 2) - 1));

        int Side(string name, int axis, int rank)
        {
            var shape = file.Shape(name);
            return shape.Count == rank && shape[axis] is >= 1 and <= 1 << 24
                ? (int)shape[axis]
                : throw new CheckpointException($"The tensor \"{name}\" in {file.Path} is ({Quote.Shape(shape)}), which is no CLIP's: " +
                    $"{rank} dimensions of 1 to {1 << 24} were expected.");
        }
    }

    /// <summary>The number of blocks among the names with this prefix.</summary>
    internal static int Blocks(this IWeightFile file, string prefix) =>
        file.Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(name => name[prefix.Length..].Split('.')[0])
            .Distinct().Count();
}
