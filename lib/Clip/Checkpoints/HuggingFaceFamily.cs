using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// A family of models in Hugging Face's transformers: how its <c>config.json</c> is read and written, and its parameters' names.
/// </summary>
/// <param name="ModelType">The configuration's <c>model_type</c>.</param>
/// <param name="Class">The model's class in transformers.</param>
/// <param name="Names">The parameters' names.</param>
/// <param name="Read">Reads a configuration from its root.</param>
/// <param name="Holds">Whether a shape is one of the family's.</param>
/// <param name="Write">Writes the root's values for a shape of the family, without model type, class and element type.</param>
internal sealed record HuggingFaceFamily(
    string ModelType, string Class, NameTable Names, Func<ConfigSection, ClipConfig> Read, Func<ClipConfig, bool> Holds, Func<ClipConfig,
        JsonObject> Write)
{
    /// <summary>The families, the most common first.</summary>
    internal static IReadOnlyList<HuggingFaceFamily> All { get; } =
    [
        new("clip", "CLIPModel", HuggingFaceNames.Clip, HuggingFaceConfig.ReadClip, HuggingFaceConfig.HoldsClip,
            config => HuggingFaceConfig.WriteClip(config, "clip")),
        new("metaclip_2", "MetaClip2Model", HuggingFaceNames.Clip, HuggingFaceConfig.ReadMetaClip2, HuggingFaceConfig.HoldsMetaClip2,
            config => HuggingFaceConfig.WriteClip(config, "metaclip_2")),
        new("siglip", "SiglipModel", HuggingFaceNames.Siglip, root => SiglipConfigs.Read(root, flexible: false),
            config => SiglipConfigs.Holds(config, flexible: false), SiglipConfigs.Write),
        new("siglip2", "Siglip2Model", HuggingFaceNames.Siglip, root => SiglipConfigs.Read(root, flexible: true),
            config => SiglipConfigs.Holds(config, flexible: true), SiglipConfigs.Write),
        new("altclip", "AltCLIPModel", HuggingFaceNames.Alt, BertConfigs.ReadAlt, BertConfigs.HoldsAlt,
            config => BertConfigs.Write(config, "altclip")),
        new("chinese_clip", "ChineseCLIPModel", HuggingFaceNames.Chinese, BertConfigs.ReadChinese, BertConfigs.HoldsChinese,
            config => BertConfigs.Write(config, "chinese_clip")),
    ];

    /// <summary>The family that a model belongs to.</summary>
    /// <exception cref="ArgumentException">It belongs to none; the message says why.</exception>
    internal static HuggingFaceFamily Of(ClipConfig config) => All.FirstOrDefault(family => family.Holds(config))
        ?? throw new ArgumentException(
        $"Hugging Face's {string.Join(", ", All.Select(family => family.Class))} have no place for this " +
            $"model: {What(config)}. {nameof(CheckpointLayout)}.{nameof(CheckpointLayout.OpenClip)} holds most models.");

    private static string What(ClipConfig config) => config switch
    {
        { Vision.Stages: not null } => "its image tower is a ResNet",
        { Vision.Convolutional: not null } => "its image tower is convolutional",
        _ when (config.Vision.LayerScale ?? config.Text.LayerScale) is not null => "it has LayerScale",
        { Vision.IsClips: true, Text.IsClips: true, IsSigmoid: true } => "its logits have a bias, beside CLIP's own towers",
        { Vision.IsClips: true, Text.IsClips: true, HasListedScale: true } => "its scale is a tensor of one element",
        { Vision.IsClips: true } => "its text tower has other parts than theirs",
        _ => "its image tower has other parts than theirs",
    };
}
