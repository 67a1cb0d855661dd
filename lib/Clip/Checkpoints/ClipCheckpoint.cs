using System.Globalization;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Loads and saves models: in Hugging Face's layout (<c>config.json</c>, <c>model.safetensors</c>, in one file or in shards), in OpenCLIP's
/// (<c>open_clip_config.json</c>, <c>open_clip_model.safetensors</c>), or a file with openai/CLIP's names, with or without a
/// configuration, such as its own <c>ViT-B-32.pt</c>. Where there are no safetensors, PyTorch's <c>pytorch_model.bin</c> or
/// <c>open_clip_pytorch_model.bin</c> is read, as data alone (<see cref="StateDictFile"/>). Loading is strict: every tensor of the file is
/// used, every shape fits.
/// <para>
/// A file without a configuration is taken for openai/CLIP's: QuickGELU, heads 64 wide. OpenCLIP's weights have the same names, and nothing
/// in them shows that most use GELU: without their <c>open_clip_config.json</c> beside them, they give wrong embeddings.
/// </para>
/// </summary>
public static partial class ClipCheckpoint
{
    /// <summary>Loads a model. The weights go from the file into the model one tensor at a time.</summary>
    /// <param name="idOrFolder">
    /// A folder with a model, a file of weights, or a Hub id such as <c>openai/clip-vit-base-patch32</c>
    /// (<see cref="HuggingFaceHub.Resolve"/>).
    /// </param>
    /// <param name="device">Where the model goes; the CPU by default.</param>
    /// <param name="dtype">The element type of its parameters; float32 by default, whatever the file has.</param>
    /// <returns>The model, in evaluation mode; the caller's to dispose.</returns>
    /// <exception cref="FileNotFoundException">
    /// The folder is not there or holds no model; the message says which files were looked for.
    /// </exception>
    /// <exception cref="CheckpointException">
    /// The files are damaged or contradict each other: tensors are missing, left over, or of another shape.
    /// </exception>
    /// <exception cref="HubException">The Hub id's model is not in the cache and cannot be downloaded.</exception>
    public static ClipModel FromPretrained(string idOrFolder, Device? device = null, ScalarType? dtype = null)
    {
        var found = CheckpointFolder.Find(HuggingFaceHub.Resolve(idOrFolder));
        var described = found.Read();
        using var weights = found.Open();
        var naming = Naming(weights);
        var config = described ?? found.Infer(weights, naming);
        var names = Names(found, config, weights, naming);
        return Fill(Compare(found, config, weights, names), "", weights, names, device, dtype);
    }

    /// <summary>
    /// Writes a model's configuration and weights, in the element types that it has. Each file is first written beside its destination,
    /// then renamed. OpenCLIP's configuration also says how images are prepared: as in the file that it replaces, or else as for CLIP, at
    /// the model's resolution.
    /// <para>
    /// Afterwards the folder holds this model: where the files of another, such as Hugging Face's beside OpenCLIP's, would be preferred by
    /// <see cref="FromPretrained"/>, they are deleted once the new ones are whole. To keep both layouts, save each in its own folder.
    /// </para>
    /// </summary>
    /// <param name="model">The model; it is not changed.</param>
    /// <param name="folder">The destination; created if it does not exist.</param>
    /// <param name="layout">The layout, which decides parameter names and file names.</param>
    /// <exception cref="ArgumentException">
    /// The layout cannot hold the model, as Hugging Face's cannot hold a ResNet; nothing is written.
    /// </exception>
    /// <exception cref="InvalidOperationException">Low-rank adapters are attached that are not merged.</exception>
    /// <exception cref="IOException">The files cannot be written, or those of the former model not deleted.</exception>
    public static void SavePretrained(ClipModel model, string folder, CheckpointLayout layout = CheckpointLayout.HuggingFace)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        model.RequireMerged("SavePretrained");
        bool openClip = layout == CheckpointLayout.OpenClip;
        var names = ModelNames.Of(model.Config, openClip ? OpenClipConfig.Naming(model.Config) : ParameterNaming.HuggingFace);
        string path = Path.Combine(folder, openClip ? CheckpointFolder.OpenClipConfigName : CheckpointFolder.HuggingFaceConfigName);
        string config = openClip ? OpenClipConfig.Text(model.Config, path) : HuggingFaceConfig.Text(model.Config, model.LogitScale.dtype);
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        bool listsScale = !openClip && model.Config.IsSigmoid; // transformers stores scale and bias of these with the shape (1)
        foreach (var (name, tensor) in model.state_dict())
        {
            var source = names(name);
            var whole = listsScale && tensor.dim() == 0 ? tensor.view(1) : tensor;
            foreach (var (key, part) in source.Sources.Zip(Parts(whole, source))) tensors[key] = source.Transposed ? part.t() : part;
        }
        string weights = openClip ? CheckpointFolder.OpenClipWeightsName : CheckpointFolder.HuggingFaceWeightsName;
        SafetensorsFile.Write(Path.Combine(folder, weights), tensors);
        AtomicFile.Write(path, config);
        CheckpointFolder.RemoveSuperseded(folder, weights);
    }

    /// <summary>
    /// Checks the configuration against the names and shapes in the file, before memory of the configured size is allocated.
    /// </summary>
    /// <returns>The model on <c>meta</c>: names and shapes, no memory yet.</returns>
    private static ClipModel Compare(CheckpointFolder found, ClipConfig config, IWeightFile weights, Func<string, ParameterSource> names)
    {
        CompareBlocks(found, weights, "text", config.Text.Layers, Blocks(names("transformer.resblocks.0.ln_1.weight")));
        if (config.Vision.Stages is { } stages)
            foreach (var (i, asked) in new[] { stages.First, stages.Second, stages.Third, stages.Fourth }.Index()) CompareBlocks(
                found, weights, "vision", asked, $"visual.layer{i + 1}.");
        else if (config.Vision.Convolutional is { } convolutional)
            foreach (var (i, asked) in convolutional.Depths.Index()) CompareBlocks(found, weights, "vision", asked,
                $"visual.trunk.stages.{i}.blocks.");
        else
            CompareBlocks(found, weights, "vision", config.Vision.Layers, Blocks(names("visual.transformer.resblocks.0.ln_1.weight")));
        using var scope = NewDisposeScope();
        var skeleton = new ClipModel(config, META);
        try
        {
            CompareShapes(found, skeleton, "", weights, names, key => ModelNames.IsElsewhere(config, key));
            CompareNotes(found, config, weights);
            foreach (var parameter in skeleton.parameters()) parameter.MoveToOuterDisposeScope();
            foreach (var buffer in skeleton.buffers()) buffer.MoveToOuterDisposeScope();
            return skeleton;
        }
        catch
        {
            skeleton.Dispose();
            throw;
        }
    }

    /// <summary>Checks a module's names and shapes against the file's.</summary>
    /// <param name="found">The model's folder, for messages.</param>
    /// <param name="skeleton">The module, on <c>meta</c>.</param>
    /// <param name="prefix">The prefix of its names in a whole model: <c>visual.</c> for an image tower.</param>
    /// <param name="weights">The file.</param>
    /// <param name="naming">The file's naming.</param>
    /// <param name="isElsewhere">Whether a tensor belongs to a part of the model that is not loaded.</param>
    private static void CompareShapes(CheckpointFolder found, nn.Module skeleton, string prefix, IWeightFile weights,
        ParameterNaming naming, Func<string, bool>? isElsewhere = null) =>
        CompareShapes(found, skeleton, prefix, weights, name => ParameterNames.Source(name, naming), isElsewhere);

    /// <summary>The same where <paramref name="find"/> says where a parameter lies in the file.</summary>
    internal static void CompareShapes(CheckpointFolder found, nn.Module skeleton, string prefix, IWeightFile weights,
        Func<string, ParameterSource> find, Func<string, bool>? isElsewhere = null)
    {
        using var scope = NewDisposeScope();
        var parameters = skeleton.state_dict().ToDictionary(pair => prefix + pair.Key, pair => pair.Value, StringComparer.Ordinal);
        var sources = parameters.Keys.ToDictionary(name => name, find, StringComparer.Ordinal);
        var wanted = sources.Values.SelectMany(source => source.Sources).ToHashSet(StringComparer.Ordinal);
        var faults = new List<string>();
        faults.AddRange(wanted.Where(name => !weights.Contains(name)).Select(name => $"{Quote.Cut(name)} is missing"));
        faults.AddRange(weights.Names.Where(name => !wanted.Contains(name) && !ParameterNames.IsIgnored(name)
            && isElsewhere?.Invoke(name) != true).Select(name => $"{Quote.Cut(name)} is left over"));
        foreach (var (name, parameter) in parameters)
        {
            var source = sources[name];
            foreach (var (key, shape) in source.Sources.Zip(source.Shapes(parameter.shape)).Where(part => weights.Contains(part.First)))
            {
                var actual = weights.Shape(key);
                if (!actual.SequenceEqual(shape) && !WeightCopy.IsOneNumber(actual, shape))
                    faults.Add($"{key} is ({Quote.Shape(actual)}), the configuration asks for ({string.Join(", ", shape)}): see " +
                        $"{found.KeysOf(name)}");
            }
        }
        if (faults.Count > 0)
        {
            throw new CheckpointException(
                $"{weights.Path} does not fit {found.Config ?? "the shape that its own tensors give"}. Tensors that differ: " +
                $"{string.Join("; ", faults.Take(8))}{(faults.Count > 8 ? $"; and {faults.Count - 8} more" : "")}. {Cure(found)}");
        }
    }

    internal static void CompareBlocks(CheckpointFolder found, IWeightFile weights, string tower, int asked, string prefix)
    {
        int actual = weights.Blocks(prefix);
        if (actual != asked)
        {
            throw new CheckpointException(
                $"{weights.Path} does not fit {found.Config ?? "the shape that its own tensors give"}: " +
                    $"{tower}{(found.IsOpenClip ? "_cfg.layers" : "_config.num_hidden_layers")} is {asked}, the file has {actual} blocks " +
                    $"named {prefix}… {Cure(found)}");
        }
    }

    private static string Cure(CheckpointFolder found) => found.Config is null
        ? "Fetch the file again, or put the configuration that came with it beside it."
        : "Take both files from the same model and revision.";

    /// <summary>Checks the three sizes that OpenAI's archives note beside their tensors.</summary>
    private static void CompareNotes(CheckpointFolder found, ClipConfig config, IWeightFile weights)
    {
        foreach (var (name, expected) in new[] { ("input_resolution", config.Vision.ImageSize),
            ("context_length", config.Text.ContextLength), ("vocab_size", config.Text.VocabularySize) })
        {
            if (!weights.Contains(name)) continue;
            using var scope = NewDisposeScope();
            var shape = weights.Shape(name);
            string noted = shape.Count > 0 ? $"a tensor of shape ({Quote.Shape(shape)})"
                : weights.Read(name).to(float64).ToDouble().ToString(CultureInfo.InvariantCulture);
            if (noted != expected.ToString(CultureInfo.InvariantCulture))
                throw new CheckpointException($"{weights.Path} notes {name} as {noted}, where {found.Config ?? "its own tensors"} " +
                    $"{(found.Config is null ? "give" : "gives")} {expected}. {Cure(found)}");
        }
    }

    /// <summary>The part of a block's name before its number, in a file.</summary>
    private static string Blocks(ParameterSource first) =>
        first.Sources[0][..(first.Sources[0].IndexOf(".0.", StringComparison.Ordinal) + 1)];

    /// <summary>Where a file stores a model's parameters.</summary>
    private static Func<string, ParameterSource> Names(CheckpointFolder found, ClipConfig config, IWeightFile weights,
        ParameterNaming naming)
    {
        try
        {
            return ModelNames.In(weights, ModelNames.Of(config, naming));
        }
        catch (ArgumentException exception)
        {
            throw new CheckpointException($"{weights.Path} has Hugging Face's names, " +
                $"and {found.Config ?? "the shape that its own tensors give"} describes a model of another kind: {exception.Message}",
                exception);
        }
    }

    private static ParameterNaming Naming(IWeightFile weights) => ParameterNames.Detect(weights.Names) ?? throw new CheckpointException(
        $"{weights.Path} is no CLIP's: its {weights.Names.Count} tensors follow none of the namings of openai/CLIP, OpenCLIP and " +
            $"Hugging Face (the first: {string.Join(", ", weights.Names.Take(3).Select(Quote.Cut).DefaultIfEmpty("none"))}). Name a " +
            $"CLIP's weights.");

    /// <summary>Copies the weights into a new module, on <c>meta</c> or not, and returns it; if that fails, disposes of it.</summary>
    private static T Fill<T>(T module, string prefix, IWeightFile weights, ParameterNaming naming, Device? device,
        ScalarType? dtype) where T : nn.Module =>
        Fill(module, prefix, weights, name => ParameterNames.Source(name, naming), device, dtype);

    /// <summary>The same where <paramref name="find"/> says where a parameter lies in the file.</summary>
    internal static T Fill<T>(T module, string prefix, IWeightFile weights, Func<string, ParameterSource> find, Device? device,
        ScalarType? dtype) where T : nn.Module
    {
        try
        {
            MetaMemory.Allocate(module);
            if (dtype is { } type) module.to(type);
            Load(module, prefix, weights, find);
            if (device is not null) module.to(device);
            module.eval();
            return module;
        }
        catch
        {
            module.Dispose();
            throw;
        }
    }

    private static void Load(nn.Module module, string prefix, IWeightFile weights, Func<string, ParameterSource> find)
    {
        using var _ = no_grad();
        foreach (var (name, parameter) in module.state_dict())
        {
            using var scope = NewDisposeScope();
            var source = find(prefix + name);
            if (source.Transposed) parameter.copy_(weights.Read(source.Sources[0]).t());
            else foreach (var (key, part) in source.Sources.Zip(Parts(parameter, source))) weights.ReadInto(key, part);
        }
    }

    /// <summary>Views of a parameter, one for each tensor in which the file stores it, not transposed.</summary>
    private static Tensor[] Parts(Tensor parameter, ParameterSource source)
    {
        for (int i = 0; i < source.Leading; i++) parameter = parameter.unsqueeze(0);
        return source.Sources.Count == 1 ? [parameter] : parameter.split([.. source.Sizes(parameter.shape[0])], 0);
    }
}
