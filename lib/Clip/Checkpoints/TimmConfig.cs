using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>timm's image towers in OpenCLIP's <c>vision_cfg</c>: a name, and arguments that change its sizes.</summary>
internal static class TimmConfig
{
    private static readonly string[] Keys =
        ["image_size", "timm_model_name", "timm_model_pretrained", "timm_pool", "timm_proj", "timm_drop", "timm_drop_path",
            "timm_model_kwargs", "patch_dropout", "output_tokens", "layers", "width", "patch_size", "head_width"];

    private static readonly string[] TransformerArguments = ["embed_dim", "depth", "num_heads", "img_size", "patch_size", "mlp_ratio",
        "ref_feat_shape", "act_layer"];

    internal static (VisionConfig Vision, Activation Activation, double Epsilon) Read(ConfigSection vision)
    {
        vision.RefuseOthers(Keys);
        string name = vision.Word("timm_model_name", "");
        if (!TimmArchitecture.All.TryGetValue(name, out var architecture))
        {
            string flexible = name.StartsWith("naflexvit", StringComparison.Ordinal) ? ", and SigLIP 2 NaFlex in Hugging Face's layout"
                : "";
            throw ConfigSection.Unsupported(
                $"\"vision_cfg.timm_model_name\" is \"{name}\"; {string.Join(", ", Near(name))}, … are supported{flexible}");
        }
        string pool = vision.Word("timm_pool", architecture.Pools[^1]);
        if (!architecture.Pools.Contains(pool)) throw ConfigSection.Unsupported($"\"vision_cfg.timm_pool\" is \"{pool}\"; " +
            $"\"{architecture.Pools[^1]}\" is supported for {name}");
        var arguments = vision.Has("timm_model_kwargs") ? vision.Section("timm_model_kwargs")
            : ConfigSection.Empty("vision_cfg.timm_model_kwargs.");
        int size = vision.Count("image_size", 224, 16384);
        var config = architecture.Shape.Convolutional is { } convolutional ? Convolutional(architecture, convolutional, arguments, size)
            : Transformer(architecture, arguments, size);
        string proj = vision.IsNull("timm_proj") ? "" : vision.Choice("timm_proj", "linear", "mlp", "none", "");
        config = config with { Projection = proj switch { "linear" => ProjectionKind.Matrix, "mlp" => ProjectionKind.Mlp,
            "none" => ProjectionKind.None, _ => ProjectionKind.Affine } };
        RequireProjection(name, config);
        return (config, arguments.Choice("act_layer", architecture.Activation == Activation.GeluTanh ? "gelu_tanh" : "gelu", "gelu",
            "gelu_tanh") == "gelu_tanh" ? Activation.GeluTanh : Activation.Gelu, architecture.Epsilon);
    }

    /// <summary>Writes the name of the architecture that has a tower's parts, with sizes that differ as arguments.</summary>
    /// <exception cref="ArgumentException">No known architecture has the tower's parts.</exception>
    internal static JsonObject Write(VisionConfig config, BlockShape block)
    {
        foreach (var (name, architecture) in TimmArchitecture.All.OrderBy(pair => Distance(pair.Value.Shape, config)))
        {
            if (architecture.Epsilon != block.LayerNormEpsilon && config.IsTransformer || architecture.Epsilon != block.LayerNormEpsilon
                && config.Convolutional is ConvNextConfig) continue;
            var arguments = config.Convolutional is null ? Arguments(architecture, config, block)
                : Arguments(architecture.Shape.Convolutional, config.Convolutional);
            if (arguments is null) continue;
            var vision = new JsonObject
            {
                ["image_size"] = config.ImageSize,
                ["timm_model_name"] = name,
                ["timm_model_pretrained"] = false,
                ["timm_pool"] = architecture.Pools[0],
                ["timm_proj"] = config.Projection switch { ProjectionKind.Matrix => "linear", ProjectionKind.Mlp => "mlp",
                    ProjectionKind.None => "none", _ => null },
            };
            if (arguments.Count > 0) vision["timm_model_kwargs"] = arguments;
            var read = Read(ConfigSection.Of(vision, "vision_cfg."));
            if (read.Vision with { Activation = config.Activation, LayerNormEpsilon = config.LayerNormEpsilon } == config
                && (read.Activation == block.Activation || !config.IsTransformer)) return vision;
        }
        throw new ArgumentException("OpenCLIP's configuration has no place for this model's image tower: neither its own nor any of " +
            "timm's that are known have its parts.");
    }

    private static VisionConfig Transformer(TimmArchitecture architecture, ConfigSection arguments, int size)
    {
        arguments.RefuseOthers(TransformerArguments);
        var shape = architecture.Shape;
        int width = arguments.Count("embed_dim", shape.Width), heads = arguments.Count("num_heads", shape.Heads),
            image = arguments.Count("img_size", size, 16384);
        if (width != shape.Width && shape.Stem is PatchStem.Convolutions or PatchStem.InvertedResiduals && arguments.Has("embed_dim"))
            throw new FormatException($"\"{arguments.Name("embed_dim")}\" is {width}; a tower with this stem is {shape.Width} wide");
        double ratio = arguments.Number("mlp_ratio", architecture.MlpRatio);
        return shape with
        {
            ImageSize = image,
            PatchSize = arguments.Count("patch_size", shape.PatchSize, 16384),
            Width = width,
            Layers = arguments.Count("depth", shape.Layers, 1024),
            Heads = heads,
            MlpWidth = Width(arguments, width, ratio),
            AttentionPool = shape.AttentionPool is null ? null : new AttentionPoolConfig { Heads = architecture.PoolHeads ?? heads,
                MlpWidth = Width(arguments, width, architecture.PoolRatio ?? ratio) },
            Rotary = shape.Rotary is { } rotary ? rotary with { ReferenceGrid = arguments.Side("ref_feat_shape", rotary.ReferenceGrid) }
                : null,
        };
    }

    private static int Width(ConfigSection arguments, int width, double ratio) =>
        width * ratio is var product and >= 1 and <= 1 << 20 ? (int)product
            : throw new FormatException($"\"{arguments.Name("mlp_ratio")}\" is {ratio}, which gives no usable width");

    private static VisionConfig Convolutional(TimmArchitecture architecture, ConvolutionalConfig shape, ConfigSection arguments, int size)
    {
        var (depths, widths) = shape is ConvNextConfig ? ("depths", "dims") : ("layers", "embed_dims");
        arguments.RefuseOthers([depths, widths]);
        shape = shape with { Depths = arguments.Counts(depths) ?? shape.Depths, Widths = arguments.Counts(widths) ?? shape.Widths };
        if (shape.Depths.Count != architecture.Shape.Convolutional!.Depths.Count || shape.Widths.Count != shape.Depths.Count)
            throw new FormatException($"\"{arguments.Name(depths)}\" has {shape.Depths.Count} stages and " +
                $"\"{widths}\" {shape.Widths.Count}; {architecture.Shape.Convolutional.Depths.Count} are needed");
        if (shape.Depths.Max() > 1024 || shape.Widths.Max() > 16384) throw new FormatException($"\"{arguments.Name(widths)}\" asks " +
            $"for more than 16384 channels, or \"{depths}\" for more than 1024 blocks");
        return architecture.Shape with { ImageSize = size, Width = shape.Widths[^1], Layers = shape.Depths.Sum(), Convolutional = shape };
    }

    private static void RequireProjection(string name, VisionConfig config)
    {
        ProjectionKind[] possible = config.Convolutional switch
        {
            ConvNextConfig => [ProjectionKind.Matrix, ProjectionKind.Mlp, ProjectionKind.None],
            FastVitConfig => [ProjectionKind.Affine],
            _ => [ProjectionKind.Affine, ProjectionKind.Matrix, ProjectionKind.Mlp, ProjectionKind.None],
        };
        if (!possible.Contains(config.Projection))
            throw ConfigSection.Unsupported($"\"vision_cfg.timm_proj\" asks for {config.Projection} " +
                $"after {name}; {string.Join(", ", possible)} are supported there");
    }

    /// <summary>The sizes that differ from an architecture's; null where the parts differ.</summary>
    private static JsonObject? Arguments(TimmArchitecture architecture, VisionConfig config, BlockShape block)
    {
        var shape = architecture.Shape;
        if (shape.Convolutional is not null || shape.Stem != config.Stem || shape.Block != config.Block) return null;
        var arguments = new JsonObject();
        Add("embed_dim", config.Width, shape.Width);
        Add("depth", config.Layers, shape.Layers);
        Add("num_heads", config.Heads, shape.Heads);
        Add("patch_size", config.PatchSize, shape.PatchSize);
        arguments["img_size"] = config.ImageSize;
        if ((int)(config.Width * architecture.MlpRatio) != block.MlpWidth) arguments["mlp_ratio"] =
            OpenClipBlocks.Ratio(block.MlpWidth, config.Width);
        if (config.Rotary?.ReferenceGrid is { } grid && grid != shape.Rotary?.ReferenceGrid) arguments["ref_feat_shape"] =
            new JsonArray(grid, grid);
        if (block.Activation != architecture.Activation) arguments["act_layer"] = block.Activation == Activation.GeluTanh ? "gelu_tanh"
            : "gelu";
        return block.Activation == Activation.QuickGelu ? null : arguments;

        void Add(string key, int value, int usual)
        {
            if (value != usual) arguments[key] = value;
        }
    }

    private static JsonObject? Arguments(ConvolutionalConfig? usual, ConvolutionalConfig config)
    {
        if (usual is null || usual.GetType() != config.GetType() || usual.Depths.Count != config.Depths.Count) return null;
        var (depths, widths) = config is ConvNextConfig ? ("depths", "dims") : ("layers", "embed_dims");
        return usual.Equals(config) ? [] : new JsonObject { [depths] = Json(config.Depths), [widths] = Json(config.Widths) };
    }

    private static JsonArray Json(IReadOnlyList<int> numbers) => new([.. numbers.Select(number => (JsonNode)number)]);

    private static int Distance(VisionConfig shape, VisionConfig config) =>
        (shape.Width == config.Width ? 0 : 1) + (shape.Layers == config.Layers ? 0 : 1) + (shape.Heads == config.Heads ? 0 : 1)
            + (shape.PatchSize == config.PatchSize ? 0 : 1) + (Equals(shape.Rotary, config.Rotary) ? 0 : 1)
            + (Equals(shape.Convolutional, config.Convolutional) ? 0 : 1);

    /// <summary>The names that begin most like this one or, where none does, one for each kind of tower.</summary>
    private static IEnumerable<string> Near(string name)
    {
        var alike = TimmArchitecture.All.Keys.OrderByDescending(Common).Take(4).ToList();
        return Common(alike[0]) > 3 ? alike : TimmArchitecture.All.DistinctBy(pair => (pair.Value.Shape.Stem, pair.Value.Shape.Pooling,
            pair.Value.Shape.Block, pair.Value.Shape.Convolutional?.GetType())).Select(pair => pair.Key);

        int Common(string known) => known.Zip(name).TakeWhile(pair => pair.First == pair.Second).Count();
    }
}
