using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>What the files of a model hold.</summary>
internal static class CheckpointReading
{
    internal static IWeightFile Open(this CheckpointFolder folder) => UnwrappedNames.Of(
        Path.GetExtension(folder.Weights) == ".json" ? WeightShards.Open(folder.Weights) : Open(folder.Weights));

    /// <summary>Opens one file of weights, in the format that its name tells.</summary>
    internal static IWeightFile Open(string weights) =>
        Path.GetExtension(weights) is ".bin" or ".pt" or ".pth" ? StateDictFile.Open(weights) : SafetensorsFile.Open(weights);

    /// <summary>
    /// The configuration, from its file; none where there is no such file. Read before the weights are looked at, so that what is not
    /// supported is refused by its own name.
    /// </summary>
    internal static ClipConfig? Read(this CheckpointFolder folder) => folder.Config is not { } config ? null
        : folder.IsOpenClip ? OpenClipConfig.Load(config) : HuggingFaceConfig.Load(config);

    /// <summary>The configuration read off the weights.</summary>
    /// <exception cref="FileNotFoundException">They do not tell it.</exception>
    internal static ClipConfig Infer(this CheckpointFolder folder, IWeightFile weights, ParameterNaming naming)
    {
        bool isOpenClips = Path.GetFileName(folder.Weights).StartsWith("open_clip_", StringComparison.Ordinal);
        if (naming == ParameterNaming.OpenAi && !isOpenClips) return OpenAiConfig.Infer(weights);
        string wanted = naming == ParameterNaming.HuggingFace ? CheckpointFolder.HuggingFaceConfigName
            : CheckpointFolder.OpenClipConfigName;
        throw new FileNotFoundException($"{folder.Weights} has no {wanted} beside it, which says what shape the model has. Put the one " +
            "that came with the weights there.", wanted);
    }

    /// <summary>The values of the configuration that decide a parameter's shape.</summary>
    internal static string KeysOf(this CheckpointFolder folder, string parameter) =>
        folder.Config is { } config ? ConfigKeys.Of(parameter, config, folder.IsOpenClip) : "its other tensors";
}
