using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>Reads the files of a model.</summary>
internal static class CheckpointReading
{
    internal static IWeightFile Open(this CheckpointFolder folder) => UnwrappedNames.Of(
        Path.GetExtension(folder.Weights) == ".json" ? WeightShards.Open(folder.Weights) : Open(folder.Weights));

    /// <summary>Opens one file of weights, in the format that its extension names.</summary>
    internal static IWeightFile Open(string weights) =>
        Path.GetExtension(weights) is ".bin" or ".pt" or ".pth" ? StateDictFile.Open(weights) : SafetensorsFile.Open(weights);

    /// <summary>
    /// Reads the configuration file; null if there is none. It is read before the weights, so that an unsupported model is refused by the
    /// configuration's key.
    /// </summary>
    internal static ClipConfig? Read(this CheckpointFolder folder) => folder.Config is not { } config ? null
        : folder.IsOpenClip ? OpenClipConfig.Load(config) : HuggingFaceConfig.Load(config);

    /// <summary>Infers the configuration from the weights.</summary>
    /// <exception cref="FileNotFoundException">The weights do not determine it: a configuration file is needed.</exception>
    internal static ClipConfig Infer(this CheckpointFolder folder, IWeightFile weights, ParameterNaming naming)
    {
        bool isOpenClips = Path.GetFileName(folder.Weights).StartsWith("open_clip_", StringComparison.Ordinal);
        if (naming == ParameterNaming.OpenAi && !isOpenClips) return OpenAiConfig.Infer(weights);
        string wanted = naming == ParameterNaming.HuggingFace ? CheckpointFolder.HuggingFaceConfigName
            : CheckpointFolder.OpenClipConfigName;
        throw new FileNotFoundException($"{folder.Weights} has no {wanted} beside it, which says what shape the model has. Put the one " +
            "that came with the weights there.", wanted);
    }

    /// <summary>The configuration's keys that decide a parameter's shape, for messages.</summary>
    internal static string KeysOf(this CheckpointFolder folder, string parameter) =>
        folder.Config is { } config ? ConfigKeys.Of(parameter, config, folder.IsOpenClip) : "its other tensors";
}
