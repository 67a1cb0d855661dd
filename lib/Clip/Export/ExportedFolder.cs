using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Export;

/// <summary>Writes the files beside the graphs: configuration, tokenizer and image recipe.</summary>
internal static class ExportedFolder
{
    private const string Recipe = "preprocessor_config.json", TokenizerJson = "tokenizer.json";

    /// <summary>Copies a model's files, and writes missing ones that other libraries look for.</summary>
    /// <param name="from">The model's folder.</param>
    /// <param name="to">The exported folder; must exist.</param>
    /// <param name="config">The model's shape.</param>
    /// <returns>The model's processor.</returns>
    /// <exception cref="FileNotFoundException">The folder lacks its tokenizer or its recipe.</exception>
    internal static ClipProcessor Write(string from, string to, ClipConfig config)
    {
        // Files that cannot be read here are not passed on.
        var processor = ClipProcessor.FromPretrained(from, config.Text.ContextLength, config.Vision.ImageSize);
        CheckpointFolder.CopyCompanions(from, to);
        bool isHuggingFaces = CheckpointFolder.Find(from) is { Config: { } path, IsOpenClip: false };
        if (isHuggingFaces) File.Copy(CheckpointFolder.Find(from).Config!, Path.Combine(to, CheckpointFolder.HuggingFaceConfigName));
        bool isClips = processor.Tokenizer is ClipTokenizer;
        if (isClips && !File.Exists(Path.Combine(to, TokenizerJson))) ClipTokenizerJson.Write(to, config.Text.ContextLength);
        if (isHuggingFaces || !isClips || !HuggingFaceFamily.All.Any(family => family.Holds(config))) return processor;
        // A model in OpenCLIP's layout keeps OpenCLIP's files; those of transformers are added for other readers.
        File.WriteAllText(Path.Combine(to, CheckpointFolder.HuggingFaceConfigName), HuggingFaceConfig.Text(config, float32));
        if (!File.Exists(Path.Combine(to, Recipe))) processor.Transform.Config.Save(Path.Combine(to, Recipe));
        return processor;
    }
}
