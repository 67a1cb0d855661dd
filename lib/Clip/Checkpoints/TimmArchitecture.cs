using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>An image tower that timm has under a name.</summary>
/// <param name="Pools">What OpenCLIP's <c>timm_pool</c> may say for it: its own way to pool.</param>
/// <param name="MlpRatio">How many times as wide as the tower its MLPs are.</param>
/// <param name="Shape">Its parts and published sizes; sizes are replaced by what <c>timm_model_kwargs</c> say.</param>
internal sealed record TimmArchitecture(string[] Pools, double MlpRatio, VisionConfig Shape)
{
    /// <summary>How many times as wide the MLP of the pool is, where it is not as the blocks'.</summary>
    internal double? PoolRatio { get; init; }

    /// <summary>The pool's heads, where they are not as the blocks'.</summary>
    internal int? PoolHeads { get; init; }

    /// <summary>ε of the layer normalisations.</summary>
    internal double Epsilon { get; init; } = 1e-6;

    /// <summary>The MLPs' non-linearity.</summary>
    internal Activation Activation { get; init; } = Activation.Gelu;

    /// <summary>The names that are known.</summary>
    internal static IReadOnlyDictionary<string, TimmArchitecture> All { get; } = Make();

    private static Dictionary<string, TimmArchitecture> Make()
    {
        var all = new Dictionary<string, TimmArchitecture>(StringComparer.Ordinal);
        foreach (var (name, width, depth, heads, patch, ratio, tanh) in new[]
        {
            ("base_patch32_siglip_256", 768, 12, 12, 32, 4, true), ("base_patch16_siglip_224", 768, 12, 12, 16, 4, false),
                ("base_patch16_siglip_256", 768, 12, 12, 16, 4, false),
            ("base_patch16_siglip_384", 768, 12, 12, 16, 4, false), ("base_patch16_siglip_512", 768, 12, 12, 16, 4, false),
                ("large_patch16_siglip_256", 1024, 24, 16, 16, 4, false),
            ("large_patch16_siglip_384", 1024, 24, 16, 16, 4, false), ("large_patch16_siglip_512", 1024, 24, 16, 16, 4, false),
                ("so400m_patch14_siglip_224", 1152, 27, 16, 14, 3.7362, false),
            ("so400m_patch14_siglip_378", 1152, 27, 16, 14, 3.7362, false),
                ("so400m_patch14_siglip_384", 1152, 27, 16, 14, 3.7362, false), ("so400m_patch16_siglip_256", 1152, 27, 16, 16, 3.7362,
                true),
            ("so400m_patch16_siglip_384", 1152, 27, 16, 16, 3.7362, true), ("so400m_patch16_siglip_512", 1152, 27, 16, 16, 3.7362, true),
                ("giantopt_patch16_siglip_256", 1536, 40, 16, 16, 4.0, true),
            ("giantopt_patch16_siglip_384", 1536, 40, 16, 16, 4, true),
        })
        {
            all[$"vit_{name}"] = new(["map"], ratio, ClipConfig.SiglipVision(patch, patch, width, depth, heads, 1)) { Activation = tanh
                ? Activation.GeluTanh : Activation.Gelu };
        }

        var eva = Sized(768, 12, 12, 16) with { Stem = PatchStem.BiasedPatches, NormBefore = false,
            Block = new BlockOptions { KeyBias = false } };
        var eva02 = eva with { Block = new BlockOptions { KeyBias = false, Gate = MlpGate.Silu, InnerNorm = true },
            Rotary = new RotaryConfig { ReferenceGrid = 16 } };
        all["eva_giant_patch14_224"] = new(["token"], 6144.0 / 1408, Resized(eva, 1408, 40, 16, 14));
        all["eva02_base_patch16_clip_224"] = new(["token"], 8.0 / 3, eva02);
        all["eva02_large_patch14_clip_224"] = all["eva02_large_patch14_clip_336"] =
            new(["token"], 8.0 / 3, Resized(eva02, 1024, 24, 16, 14));
        all["eva02_enormous_patch14_clip_224"] =
            new(["token"], 15360.0 / 1792,
            Resized(eva, 1792, 64, 16, 14) with { Block = new BlockOptions { KeyBias = false, Norm = NormPlacement.AfterBranch } });

        var pe = Sized(768, 12, 12, 16) with { Pooling = VisionPooling.Query,
            AttentionPool = new AttentionPoolConfig { Heads = 8, MlpWidth = 1 } };
        foreach (var (name, width, depth, heads, patch, grid) in new[] { ("tiny_patch16_384", 192, 12, 3, 16, 24),
            ("small_patch16_384", 384, 12, 6, 16, 24), ("base_patch16_224", 768, 12, 12, 16, 14),
            ("large_patch14_336", 1024, 24, 16, 14, 24) })
            all[$"vit_pe_core_{name}"] =
                Pe(Resized(pe, width, depth, heads, patch) with { Rotary = new RotaryConfig { ReferenceGrid = grid, Offset = 1,
                ColumnsFirst = true } }, 4);
        all["vit_pe_core_gigantic_patch14_448"] =
            Pe(Resized(pe, 1536, 50, 16, 14) with { ClassToken = false,
            Rotary = new RotaryConfig { ReferenceGrid = 32, ColumnsFirst = true } }, 8960.0 / 1536);

        all["vit_large_patch14_clip_224"] = new(["token"], 4, Sized(1024, 24, 16, 14)) { Epsilon = 1e-5 };
        all["vit_base_mci_224"] = new(["token"], 4, Sized(768, 12, 12, 16) with { Stem = PatchStem.Convolutions, ClassPosition = false,
            NormBefore = false });

        foreach (var (name, width, depth, heads, stem) in new[]
        {
            ("small_224", 384, 14, 6, 64), ("base_224", 768, 14, 12, 128), ("large_224", 1024, 31, 16, 160),
                ("large_256", 1024, 31, 16, 160), ("large_336", 1024, 31, 16, 160), ("large_384", 1024, 31, 16, 160),
            ("large2_224", 1024, 31, 16, 160), ("large2_256", 1024, 31, 16, 160), ("large2_336", 1024, 31, 16, 160),
                ("large2_384", 1024, 31, 16, 160), ("xlarge_256", 1152, 32, 16, 192), ("xlarge_336", 1152, 32, 16, 192),
            ("xlarge_384", 1152, 32, 16, 192),
        })
        {
            all[$"vitamin_{name}"] = new(["", "avg"], 2, Sized(width, depth, heads, 16) with
            {
                Stem = PatchStem.InvertedResiduals, StemWidth = stem, ClassToken = false, NormBefore = false, NormAfterPooling = true,
                    Pooling = VisionPooling.Mean, Positions = stem != 192, Block = new BlockOptions { Gate = MlpGate.Gelu },
            });
        }

        foreach (var (name, depths, widths) in new (string, int[], int[])[]
        {
            ("tiny", [3, 3, 9, 3], [96, 192, 384, 768]), ("small", [3, 3, 27, 3], [96, 192, 384, 768]),
                ("base", [3, 3, 27, 3], [128, 256, 512, 1024]), ("large", [3, 3, 27, 3], [192, 384, 768, 1536]),
            ("xlarge", [3, 3, 27, 3], [256, 512, 1024, 2048]), ("xxlarge", [3, 4, 30, 3], [384, 768, 1536, 3072]),
        })
        {
            all[$"convnext_{name}"] = new(["", "avg"], 4, Grid(new ConvNextConfig { Depths = depths, Widths = widths })) { Epsilon =
                name == "xxlarge" ? 1e-5 : 1e-6 };
        }

        foreach (var (name, depths, widths) in new (string, int[], int[])[] { ("mci0", [2, 6, 10, 2], [64, 128, 256, 512]),
            ("mci1", [4, 12, 20, 4], [64, 128, 256, 512]), ("mci2", [4, 12, 24, 4], [80, 160, 320, 640]) })
            all[$"fastvit_{name}"] =
                new(["avg"], 3, Grid(new FastVitConfig { Depths = depths, Widths = widths, MlpRatio = 3, AttentionFrom = 3,
                SqueezeFrom = 2 })) { Epsilon = 1e-5 };
        foreach (var (name, depths, widths) in new (string, int[], int[])[] { ("mci3", [2, 12, 24, 4, 2], [96, 192, 384, 768, 1536]),
            ("mci4", [2, 12, 24, 4, 4], [128, 256, 512, 1024, 2048]) })
            all[$"fastvit_{name}"] =
                new(["avg"], 4, Grid(new FastVitConfig { Depths = depths, Widths = widths, MlpRatio = 4, AttentionFrom = 3,
                ChannelNorm = true, StemScale = false })) { Epsilon = 1e-5 };
        return all;
    }

    private static TimmArchitecture Pe(VisionConfig shape, double ratio) => new(["map"], ratio, shape) { PoolHeads = 8, PoolRatio = 4,
        Epsilon = 1e-5 };

    private static VisionConfig Sized(int width, int depth, int heads, int patch) => new() { ImageSize = patch, PatchSize = patch,
        Width = width, Layers = depth, Heads = heads };

    private static VisionConfig Resized(VisionConfig shape, int width, int depth, int heads, int patch) =>
        shape with { ImageSize = patch, PatchSize = patch, Width = width, Layers = depth, Heads = heads };

    private static VisionConfig Grid(ConvolutionalConfig shape) => new()
    {
        ImageSize = ModifiedResNet.TotalStride, PatchSize = ModifiedResNet.TotalStride, Width = shape.Widths[^1],
            Layers = shape.Depths.Sum(), Heads = 1, Convolutional = shape,
    };
}
