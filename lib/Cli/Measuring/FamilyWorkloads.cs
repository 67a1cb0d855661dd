using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Cli.Measuring;

/// <summary>
/// One tower of every prepared form other than CLIP's own (lib/Clip/Models/README.md), at a published size with random weights, for
/// `clipbook bench --families`. MobileCLIP2-S0 is among the other workloads.
/// </summary>
internal static class FamilyWorkloads
{
    private const int Batch = 8, Tokens = 16, Width = 512;

    /// <summary>Name, timm's name, side of the image, OpenCLIP's <c>timm_proj</c>.</summary>
    private static readonly (string Name, string Timm, int Size, string? Projection)[] Images =
    [
        ("SigLIP-B/16", "vit_base_patch16_siglip_224", 224, "linear"),
        ("MobileCLIP-B", "vit_base_mci_224", 224, null),
        ("EVA02-B/16", "eva02_base_patch16_clip_224", 224, null),
        ("PE-Core-B/16", "vit_pe_core_base_patch16_224", 224, null),
        ("ViTamin-B", "vitamin_base_224", 224, "linear"),
        ("ConvNeXt-B", "convnext_base", 256, "linear"),
    ];

    private static readonly TextConfig Clips = new() { Width = Width, Layers = 12, Heads = 8 };

    private static readonly (string Name, TextConfig Text)[] Texts =
    [
        ("MobileCLIP's (all tokens see all)", Clips with { Causal = false, ContextLength = Tokens }),
        ("CoCa's (an appended class token)", Clips with
        {
            AppendedClassToken = true, Pooling = TextPooling.Last, ContextLength = Tokens,
        }),
        ("XLM-RoBERTa-base", TextConfig.Bert(
            new TextConfig { ContextLength = Tokens, VocabularySize = 1000, Width = 768, Layers = 12, Heads = 12, PaddingId = 1 },
            514, 1, skipsPadding: true)),
    ];

    internal static IEnumerable<Workload> All() =>
    [
        .. from family in Images
           let config = Config(family.Timm, family.Size, family.Projection)
           from form in Workloads.Forms()
           select new Workload($"{family.Name} image encoder, batch {Batch}", form.Name, Batch, "images", form.Limit,
               Batch * ForwardCost.Image(config, pooled: false),
               keep => Run(config, form.Precision, keep, rand(Batch, 3, family.Size, family.Size))),
        .. from family in Texts
           let config = ClipConfig.ViTB32 with { Vision = ClipConfig.ViTB32.Vision with { Layers = 1 }, Text = family.Text }
           from form in Workloads.Forms()
           select new Workload($"text encoder, {family.Name}, batch {Batch} of {Tokens} tokens", form.Name, Batch, "texts", form.Limit,
               Batch * ForwardCost.Text(config, Tokens, pooled: false),
               keep => Run(config, form.Precision, keep, randint(5, 900, [Batch, Tokens], int64))),
    ];

    /// <summary>Makes a model with random weights; a run encodes the input, images or ids.</summary>
    internal static Action Run(ClipConfig config, Precision? precision, ICollection<IDisposable> keep, Tensor input)
    {
        manual_seed(1);
        var model = Workloads.Kept(keep, new ClipModel(config));
        model.eval();
        Workloads.Kept(keep, input);
        var prepared = precision is { } chosen ? Workloads.Kept(keep, PreparedClip.Prepare(model, chosen)) : null;
        bool reads = input.dtype == ScalarType.Int64;
        return () =>
        {
            using var _ = inference_mode();
            (prepared is null ? reads ? model.EncodeText(input) : model.EncodeImage(input)
                : reads ? prepared.EncodeText(input) : prepared.EncodeImage(input)).Dispose();
        };
    }

    private static ClipConfig Config(string timm, int size, string? projection)
    {
        var section = new JsonObject { ["timm_model_name"] = timm, ["image_size"] = size, ["timm_proj"] = projection };
        var (vision, activation, epsilon) = TimmConfig.Read(ConfigSection.Of(section, "vision_cfg."));
        return new ClipConfig
        {
            Vision = vision, Text = Clips with { Layers = 1 }, EmbeddingWidth = Width, Activation = activation, LayerNormEpsilon = epsilon,
        };
    }
}
