using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>Reads and writes OpenCLIP's <c>open_clip_config.json</c>; reads one of its model configurations alone, too.</summary>
internal static class OpenClipConfig
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private static readonly string[] ModelKeys = ["embed_dim", "quick_gelu", "vision_cfg", "text_cfg", "custom_text", "init_logit_scale",
        "init_logit_bias", "nonscalar_logit_scale", "multimodal_cfg"];

    internal static ClipConfig Load(string path) =>
        ConfigSection.Load(path, root => Read(root.Has("model_cfg") ? root.Section("model_cfg") : root));

    /// <param name="config">The model's shape.</param>
    /// <param name="former">
    /// The path of a former configuration, if there is one. What a model does not know itself is taken from it: <c>preprocess_cfg</c>, and
    /// the keys of the tokenizer in <c>text_cfg</c>.
    /// </param>
    /// <exception cref="ArgumentException">OpenCLIP's configuration cannot hold the model; the message says which layout can.</exception>
    internal static string Text(ClipConfig config, string former)
    {
        try
        {
            return Write(config, former);
        }
        catch (ArgumentException exception) when (HuggingFaceFamily.All.FirstOrDefault(family => family.Holds(config)) is { } other)
        {
            throw new ArgumentException($"{exception.Message} {nameof(CheckpointLayout)}.{nameof(CheckpointLayout.HuggingFace)} holds " +
                $"it, as {other.Class}.", exception);
        }
    }

    private static string Write(ClipConfig config, string former)
    {
        bool own = config.Vision.Stages is not null || OpenClipVision.IsOwn(config.Vision);
        if (config.Activation != Activation.QuickGelu && (config.VisionBlock.Activation == Activation.QuickGelu
            || config.TextBlock.Activation == Activation.QuickGelu) || config.Activation == Activation.QuickGelu
            && !QuickThroughout(config, own))
            throw new ArgumentException("OpenCLIP's configuration has one place for QuickGELU, for both of its own towers: this model " +
                "has it in one.");
        var model = new JsonObject
        {
            ["embed_dim"] = config.EmbeddingWidth,
            ["quick_gelu"] = own && config.VisionBlock.Activation == Activation.QuickGelu || !own
                && config.TextBlock.Activation == Activation.QuickGelu,
            ["vision_cfg"] = own ? OpenClipVision.Write(config.Vision, config.VisionBlock)
                : TimmConfig.Write(config.Vision, config.VisionBlock),
            ["text_cfg"] = OpenClipText.Write(config.Text, config.TextBlock, config.EmbeddingWidth),
        };
        if (config.InitialBias is { } bias) model["init_logit_bias"] = bias;
        if (config.HasListedScale) model["nonscalar_logit_scale"] = true;
        if (Naming(config) == ParameterNaming.OpenClipCustomText) model["custom_text"] = true;
        var json = new JsonObject { ["model_cfg"] = model, ["preprocess_cfg"] = Preprocessing(config.Vision.ImageSize) };
        Keep(json, former);
        return json.ToJsonString(Indented) + "\n";
    }

    /// <summary>
    /// The naming of a model's parameters: text towers that OpenCLIP's class <c>CLIP</c> cannot hold belong to <c>CustomTextCLIP</c>, under
    /// <c>text.</c>
    /// </summary>
    internal static ParameterNaming Naming(ClipConfig config) => config.Text.AppendedClassToken || OpenClipText.IsBert(config.Text)
        ? ParameterNaming.OpenClipCustomText : ParameterNaming.OpenAi;

    /// <summary>
    /// Whether all of the model's towers that are OpenCLIP's own have QuickGELU; towers of timm's and transformers' do not count.
    /// </summary>
    private static bool QuickThroughout(ClipConfig config, bool own) =>
        (!own || config.Vision.Stages is not null || config.VisionBlock.Activation == Activation.QuickGelu)
            && (OpenClipText.IsBert(config.Text) || config.TextBlock.Activation == Activation.QuickGelu);

    /// <summary>
    /// Takes over from a former file its image preprocessing and, if the vocabulary has the same size, its keys of the tokenizer. A file
    /// that cannot be read, such as a pipe, gives nothing, and is replaced.
    /// </summary>
    private static void Keep(JsonObject json, string path)
    {
        if (!File.Exists(path) || ModelFile.Fault(path) is not null) return;
        try
        {
            if (JsonNode.Parse(File.ReadAllBytes(path)) is not JsonObject former) return;
            if (former["preprocess_cfg"] is { } recipe) json["preprocess_cfg"] = recipe.DeepClone();
            JsonNode? text = json["model_cfg"]!["text_cfg"], formerText = (former["model_cfg"] as JsonObject)?["text_cfg"] as JsonObject;
            if (formerText is null || $"{formerText["vocab_size"]}" != $"{text!["vocab_size"]}") return;
            foreach (string key in OpenClipText.TokenizerKeys)
                if (formerText[key] is { } said) text[key] = said.DeepClone();
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            // A file that cannot be read has nothing to keep.
        }
    }

    /// <summary>The default preprocessing in open_clip (its <c>PreprocessCfg</c>): OpenAI's mean and standard deviation.</summary>
    private static JsonObject Preprocessing(int size) => new()
    {
        ["size"] = new JsonArray(size, size),
        ["mode"] = "RGB",
        ["mean"] = new JsonArray(0.48145466, 0.4578275, 0.40821073),
        ["std"] = new JsonArray(0.26862954, 0.26130258, 0.27577711),
        ["interpolation"] = "bicubic",
        ["resize_mode"] = "shortest",
        ["fill_color"] = 0,
    };

    private static ClipConfig Read(ConfigSection model)
    {
        ConfigSection vision = model.Section("vision_cfg"), text = model.Section("text_cfg");
        model.RefuseOthers(ModelKeys);
        var activation = model.Flag("quick_gelu") ? Activation.QuickGelu : Activation.Gelu;
        int width = model.Count("embed_dim", 512);
        var image = vision.Has("timm_model_name") ? TimmConfig.Read(vision) : OpenClipVision.Read(vision, activation);
        var caption = OpenClipText.Read(text, activation, width);
        var config = ClipConfig.Join(image.Vision, caption.Text, width, (image.Activation, image.Epsilon),
            (caption.Activation, caption.Epsilon)) with
        {
            InitialBias = model.Has("init_logit_bias") ? model.Number("init_logit_bias", 0) : null,
            HasListedScale = model.Flag("nonscalar_logit_scale"),
        };
        config.Validate();
        return config;
    }
}
