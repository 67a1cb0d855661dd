namespace ClipNotebooks.Cli.Commands;

/// <summary>A published model of a family, to try.</summary>
/// <param name="Family">The family.</param>
/// <param name="Id">The model's Hub id.</param>
/// <param name="Parameters">Millions of parameters; null where no source gives them.</param>
/// <param name="Resolution">The side of its images in pixels.</param>
/// <param name="Languages">The languages of its captions.</param>
/// <param name="Top1">Zero-shot top-1 accuracy on ImageNet in per cent; null where no source gives it.</param>
/// <param name="Source">Where the accuracy was published.</param>
internal sealed record PublishedModel(
    string Family, string Id, double? Parameters, int Resolution, string Languages, double? Top1, string? Source);

/// <summary>
/// One model or two of every family. The accuracies are from OpenCLIP's docs/openclip_results.csv and README.md, README_siglip2.md of
/// google-research/big_vision, apps/pe/README.md of facebookresearch/perception_models, README.md of facebookresearch/MetaCLIP,
/// apple/ml-mobileclip and Beckschen/ViTamin, Results.md of OFA-Sys/Chinese-CLIP (with Chinese prompts), and the card of
/// apple/MobileCLIP2-B. That of MetaCLIP 2 is the 80.5 of MetaCLIP's H/14 in its README plus the gain of 0.8 in the paper's abstract
/// (arXiv:2507.22062). AltCLIP's card and repository give only retrieval and CIFAR-10. The parameters are from the same sources and
/// Chinese-CLIP's README. Where none of them gives a count, it is that of the published configuration in this library
/// (<c>PublishedShapeTests</c>); for MetaCLIP 2 and SigLIP 2's base it is that of the same towers with the larger vocabulary (901,629 ×
/// 1024 and 256,000 × 768).
/// </summary>
internal static class ModelCatalog
{
    private const string OpenClip = "openclip_results.csv", OpenClipReadme = "OpenCLIP, README";
    private const string Siglip2 = "SigLIP 2, README", Perception = "PE, README", MobileClip = "MobileCLIP, README";
    private const string MobileClip2 = "MobileCLIP2-B, card", ChineseClip = "Chinese-CLIP, Results.md, in Chinese";
    private const string MetaClip2 = "Meta CLIP 2, abstract: 0.8 above MetaCLIP H/14";
    private const string English = "English", Many = "100 and more";

    internal static readonly IReadOnlyList<PublishedModel> Models =
    [
        new("CLIP", "openai/clip-vit-base-patch32", 151.28, 224, English, 63.3, OpenClip),
        new("CLIP", "openai/clip-vit-large-patch14", 427.62, 224, English, 75.5, OpenClip),
        new("OpenCLIP", "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K", 151.28, 224, English, 69.2, OpenClip),
        new("OpenCLIP", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K", 986.11, 224, English, 78.0, OpenClip),
        new("DFN", "apple/DFN5B-CLIP-ViT-H-14", 986.11, 224, English, 83.4, OpenClip),
        new("SigLIP", "google/siglip-base-patch16-224", 203.16, 224, English, 76.0, OpenClip),
        new("SigLIP", "google/siglip-so400m-patch14-384", 877.96, 384, English, 83.1, OpenClip),
        new("SigLIP 2", "google/siglip2-base-patch16-224", 375.19, 224, Many, 78.2, Siglip2),
        new("SigLIP 2", "google/siglip2-base-patch16-256", 375.23, 256, Many, 79.1, Siglip2),
        new("SigLIP 2", "timm/ViT-L-16-SigLIP2-256", 881.53, 256, Many, 82.5, OpenClipReadme),
        new("SigLIP 2 NaFlex", "google/siglip2-base-patch16-naflex", 375.23, 256, Many, 78.5, Siglip2),
        new("MetaCLIP", "facebook/metaclip-b32-400m", 151.28, 224, English, 65.5, "MetaCLIP, README"),
        new("MetaCLIP 2", "facebook/metaclip-2-worldwide-huge-quickgelu", 1858.79, 224, Many, 81.3, MetaClip2),
        new("XLM-RoBERTa CLIP", "laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k", 366.12, 224, "100", 62.4, OpenClip),
        new("RoBERTa CLIP", "laion/CLIP-ViT-B-32-roberta-base-laion2B-s12B-b32k", 212.72, 224, English, 61.7, OpenClip),
        new("AltCLIP", "BAAI/AltCLIP", null, 224, "English, Chinese", null, null),
        new("ChineseCLIP", "OFA-Sys/chinese-clip-vit-base-patch16", 188, 224, "Chinese", 48.3, ChineseClip),
        new("CLIPA", "UCSC-VLAA/ViT-L-14-CLIPA-datacomp1B", 414.21, 224, English, 79.6, OpenClip),
        new("CoCa", "laion/CoCa-ViT-B-32-laion2B-s13B-b90k", 253.56, 224, English, 63.3, OpenClip),
        new("ConvNeXt", "laion/CLIP-convnext_base_w-laion2B-s13B-b82K-augreg", 179.39, 256, English, 71.5, OpenClip),
        new("EVA02", "timm/eva02_base_patch16_clip_224.merged2b_s8b_b131k", 149.69, 224, English, 74.7, OpenClip),
        new("PE-Core", "timm/PE-Core-B-16", 447.66, 224, English, 78.4, Perception),
        new("PE-Core", "timm/PE-Core-L-14-336", 671.14, 336, English, 83.5, Perception),
        new("MobileCLIP", "apple/MobileCLIP-S2-OpenCLIP", 99.1, 256, English, 74.4, MobileClip),
        new("MobileCLIP2", "timm/MobileCLIP2-S0-OpenCLIP", 74.84, 256, English, 71.5, MobileClip2),
        new("ViTamin", "jienengchen/ViTamin-L-256px", 457.03, 256, English, 81.2, "ViTamin, README"),
    ];
}
