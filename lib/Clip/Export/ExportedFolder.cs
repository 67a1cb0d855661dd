using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Export;

/// <summary>What stands beside the graphs: configuration, tokenizer and image recipe.</summary>
internal static class ExportedFolder
{
    private const string Recipe = "preprocessor_config.json", TokenizerJson = "tokenizer.json";

    /// <summary>Copies a model's files, and writes those that others look for and that are not there.</summary>
    /// <param name="from">The model's folder.</param>
    /// <param name="to">The exported one; is there.</param>
    /// <param name="config">The model's shape.</param>
    /// <returns>The model's processor.</returns>
    /// <exception cref="FileNotFoundException">The folder lacks its tokenizer or its recipe.</exception>
    internal static ClipProcessor Write(string from, string to, ClipConfig config)
    {
        // What cannot be read here is not handed on.
        var processor = ClipProcessor.FromPretrained(from, config.Text.ContextLength, config.Vision.ImageSize);
        CheckpointFolder.CopyCompanions(from, to);
        bool isHuggingFaces = CheckpointFolder.Find(from) is { Config: { } path, IsOpenClip: false };
        if (isHuggingFaces) File.Copy(CheckpointFolder.Find(from).Config!, Path.Combine(to, CheckpointFolder.HuggingFaceConfigName));
        bool isClips = processor.Tokenizer is ClipTokenizer;
        if (isClips && !File.Exists(Path.Combine(to, TokenizerJson))) ClipTokenizerJson.Write(to, config.Text.ContextLength);
        if (isHuggingFaces || !isClips || !HuggingFaceFamily.All.Any(family => family.Holds(config))) return processor;
        // Of OpenCLIP's layout: its own files for who reads them, transformers' for the others.
        File.WriteAllText(Path.Combine(to, CheckpointFolder.HuggingFaceConfigName), HuggingFaceConfig.Text(config, float32));
        if (!File.Exists(Path.Combine(to, Recipe))) processor.Transform.Config.Save(Path.Combine(to, Recipe));
        return processor;
    }
}
