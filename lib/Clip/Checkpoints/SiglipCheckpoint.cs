using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>SigLIP models on disk, in Hugging Face's layout: <c>config.json</c> with the model type <c>siglip</c>, and the weights in any form that <see cref="ClipCheckpoint"/> reads. Loading is strict.</summary>
public static class SiglipCheckpoint
{
    /// <summary>Loads a model. The weights go from the file into the model one tensor at a time.</summary>
    /// <param name="idOrFolder">A folder with a model, a file of weights with its configuration beside it, or a Hub id such as <c>google/siglip-base-patch16-224</c>.</param>
    /// <param name="device">Where the model goes; the CPU by default.</param>
    /// <param name="dtype">The element type of its parameters; float32 by default, whatever the file has.</param>
    /// <returns>The model, in evaluation mode; the caller's to dispose.</returns>
    /// <exception cref="FileNotFoundException">The folder is not there, holds no model, or lacks the configuration; the message says which files were looked for.</exception>
    /// <exception cref="CheckpointException">The files are damaged, are no SigLIP's, or are at odds with each other: tensors missing, left over, or of another shape.</exception>
    /// <exception cref="HubException">A Hub id's model is not in the cache and cannot be had.</exception>
    public static SiglipModel FromPretrained(string idOrFolder, Device? device = null, ScalarType? dtype = null)
    {
        var found = CheckpointFolder.Find(HuggingFaceHub.Resolve(idOrFolder));
        if (found is not { Config: { } path, IsOpenClip: false })
            throw new FileNotFoundException($"{found.Weights} has no {CheckpointFolder.HuggingFaceConfigName} of Hugging Face's beside it, which says what shape a SigLIP has; OpenCLIP's layout of it is not read.", CheckpointFolder.HuggingFaceConfigName);
        var config = SiglipFileConfig.Load(path);
        using var weights = found.Open();
        ClipCheckpoint.CompareBlocks(found, weights, "text", config.Text.Layers, "text_model.encoder.layers.");
        ClipCheckpoint.CompareBlocks(found, weights, "vision", config.Vision.Layers, "vision_model.encoder.layers.");
        using (NewDisposeScope())
        using (var skeleton = new SiglipModel(config, META))
            ClipCheckpoint.CompareShapes(found, skeleton, "", weights, SiglipNames.Source);
        return ClipCheckpoint.Fill(new SiglipModel(config), "", weights, SiglipNames.Source, device, dtype);
    }

    /// <summary>Writes a model's configuration and weights as Hugging Face's <c>SiglipModel</c> loads them, in the element types that it has. Each file is written beside its place and renamed.</summary>
    /// <param name="model">The model; stays as it is.</param>
    /// <param name="folder">Where to; made if it is not there.</param>
    /// <exception cref="ArgumentException">The layout has no place for the model's LayerScale.</exception>
    public static void SavePretrained(SiglipModel model, string folder)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if ((model.Config.Vision.LayerScale ?? model.Config.Text.LayerScale) is not null) throw new ArgumentException("Hugging Face's SiglipModel has no LayerScale.", nameof(model));
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var (name, tensor) in model.state_dict())
        {
            var source = SiglipNames.Source(name);
            foreach (var (key, part) in source.Sources.Zip(source.Sources.Count == 1 ? [tensor] : tensor.chunk(source.Sources.Count, 0))) tensors[key] = part;
        }
        SafetensorsFile.Write(Path.Combine(folder, CheckpointFolder.HuggingFaceWeightsName), tensors);
        ClipCheckpoint.WriteText(Path.Combine(folder, CheckpointFolder.HuggingFaceConfigName), SiglipFileConfig.Text(model.Config, model.LogitScale.dtype));
    }
}
