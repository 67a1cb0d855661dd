using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>An image tower that timm knows by a name.</summary>
/// <param name="Pools">The values of OpenCLIP's <c>timm_pool</c> that are supported for it; they stand for the tower's own pooling.</param>
/// <param name="MlpRatio">The hidden width of its MLPs divided by the tower's width.</param>
/// <param name="Shape">Its parts and published sizes; <c>timm_model_kwargs</c> may replace the sizes.</param>
internal sealed record TimmArchitecture(string[] Pools, double MlpRatio, VisionConfig Shape)
{
    /// <summary>The same ratio for the pool's MLP; null if it is that of the blocks.</summary>
    internal double? PoolRatio { get; init; }

    /// <summary>The number of the pool's heads; null if it is that of the blocks.</summary>
    internal int? PoolHeads { get; init; }

    /// <summary>ε of the layer normalisations.</summary>
    internal double Epsilon { get; init; } = 1e-6;

    /// <summary>The MLPs' non-linearity.</summary>
    internal Activation Activation { get; init; } = Activation.Gelu;

    /// <summary>The known architectures, by name.</summary>
    internal static IReadOnlyDictionary<string, TimmArchitecture> All { get; } = Make();

    private static Dictionary<string, TimmArchitecture> Make()
    {
        var all = new Dictionary<string, TimmArchitecture>(StringComparer.Ordinal);
        foreach (var (name, width, depth, heads, patch, ratio, activation, sizes) in new (string, int, int, int, int, double, Activation,
            int[])[]
        {
            ("base_patch32", 768, 12, 12, 32, 4, Activation.GeluTanh, [256]),
            ("base_patch16", 768, 12, 12, 16, 4, Activation.Gelu, [224, 256, 384, 512]),
            ("large_patch16", 1024, 24, 16, 16, 4, Activation.Gelu, [256, 384, 512]),
            ("so400m_patch14", 1152, 27, 16, 14, 3.7362, Activation.Gelu, [224, 378, 384]),
            ("so400m_patch16", 1152, 27, 16, 16, 3.7362, Activation.GeluTanh, [256, 384, 512]),
            ("giantopt_patch16", 1536, 40, 16, 16, 4, Activation.GeluTanh, [256, 384]),
        })
        {
            var siglip = ClipConfig.SiglipVision(patch, patch, width, depth, heads, 1);
            foreach (int size in sizes) all[$"vit_{name}_siglip_{size}"] = new(["map"], ratio, siglip) { Activation = activation };
        }

        BlockOptions keyless = new() { KeyBias = false };
        var eva = Sized(1408, 40, 16, 14) with { Stem = PatchStem.BiasedPatches, NormBefore = false, Block = keyless };
        var eva02 = Resized(eva, 768, 12, 12, 16) with
        {
            Block = keyless with { Gate = MlpGate.Silu, InnerNorm = true },
            Rotary = new RotaryConfig { ReferenceGrid = 16 },
        };
        var large = Resized(eva02, 1024, 24, 16, 14);
        var enormous = Resized(eva, 1792, 64, 16, 14) with { Block = keyless with { Norm = NormPlacement.AfterBranch } };
        all["eva_giant_patch14_224"] = new(["token"], 6144.0 / 1408, eva);
        all["eva02_base_patch16_clip_224"] = new(["token"], 8.0 / 3, eva02);
        all["eva02_large_patch14_clip_224"] = all["eva02_large_patch14_clip_336"] = new(["token"], 8.0 / 3, large);
        all["eva02_enormous_patch14_clip_224"] = new(["token"], 15360.0 / 1792, enormous);

        var pe = Sized(768, 12, 12, 16) with
        {
            Pooling = VisionPooling.Query,
            AttentionPool = new AttentionPoolConfig { Heads = 8, MlpWidth = 1 },
            Rotary = new RotaryConfig { Offset = 1, ColumnsFirst = true },
        };
        foreach (var (name, width, depth, heads, patch, grid) in new[]
        {
            ("tiny_patch16_384", 192, 12, 3, 16, 24),
            ("small_patch16_384", 384, 12, 6, 16, 24),
            ("base_patch16_224", 768, 12, 12, 16, 14),
            ("large_patch14_336", 1024, 24, 16, 14, 24),
        })
        {
            all[$"vit_pe_core_{name}"] =
                Pe(Resized(pe, width, depth, heads, patch) with { Rotary = pe.Rotary with { ReferenceGrid = grid } }, 4);
        }
        var gigantic = Resized(pe, 1536, 50, 16, 14) with { ClassToken = false,
            Rotary = new RotaryConfig { ReferenceGrid = 32, ColumnsFirst = true } };
        all["vit_pe_core_gigantic_patch14_448"] = Pe(gigantic, 8960.0 / 1536);

        var mobile = Sized(768, 12, 12, 16) with { Stem = PatchStem.Convolutions, ClassPosition = false, NormBefore = false };
        all["vit_large_patch14_clip_224"] = new(["token"], 4, Sized(1024, 24, 16, 14)) { Epsilon = 1e-5 };
        all["vit_base_mci_224"] = new(["token"], 4, mobile);

        foreach (var (name, width, depth, heads, stem, sizes) in new (string, int, int, int, int, int[])[]
        {
            ("small", 384, 14, 6, 64, [224]),
            ("base", 768, 14, 12, 128, [224]),
            ("large", 1024, 31, 16, 160, [224, 256, 336, 384]),
            ("large2", 1024, 31, 16, 160, [224, 256, 336, 384]),
            ("xlarge", 1152, 32, 16, 192, [256, 336, 384]),
        })
        {
            var vitamin = Sized(width, depth, heads, 16) with
            {
                Stem = PatchStem.InvertedResiduals,
                StemWidth = stem,
                ClassToken = false,
                Positions = name != "xlarge",
                NormBefore = false,
                NormAfterPooling = true,
                Pooling = VisionPooling.Mean,
                Block = new BlockOptions { Gate = MlpGate.Gelu },
            };
            foreach (int size in sizes) all[$"vitamin_{name}_{size}"] = new(["", "avg"], 2, vitamin);
        }

        foreach (var (name, depths, widths) in new (string, int[], int[])[]
        {
            ("tiny", [3, 3, 9, 3], [96, 192, 384, 768]),
            ("small", [3, 3, 27, 3], [96, 192, 384, 768]),
            ("base", [3, 3, 27, 3], [128, 256, 512, 1024]),
            ("large", [3, 3, 27, 3], [192, 384, 768, 1536]),
            ("xlarge", [3, 3, 27, 3], [256, 512, 1024, 2048]),
            ("xxlarge", [3, 4, 30, 3], [384, 768, 1536, 3072]),
        })
        {
            var shape = Grid(new ConvNextConfig { Depths = depths, Widths = widths });
            all[$"convnext_{name}"] = new(["", "avg"], 4, shape) { Epsilon = name == "xxlarge" ? 1e-5 : 1e-6 };
        }

        foreach (var (name, depths, widths) in new (string, int[], int[])[]
        {
            ("mci0", [2, 6, 10, 2], [64, 128, 256, 512]),
            ("mci1", [4, 12, 20, 4], [64, 128, 256, 512]),
            ("mci2", [4, 12, 24, 4], [80, 160, 320, 640]),
            ("mci3", [2, 12, 24, 4, 2], [96, 192, 384, 768, 1536]),
            ("mci4", [2, 12, 24, 4, 4], [128, 256, 512, 1024, 2048]),
        })
        {
            bool deep = depths.Length == 5; // MobileCLIP2-S3 and S4
            all[$"fastvit_{name}"] = new(["avg"], deep ? 4 : 3, Grid(new FastVitConfig
            {
                Depths = depths,
                Widths = widths,
                MlpRatio = deep ? 4 : 3,
                AttentionFrom = 3,
                SqueezeFrom = deep ? null : 2,
                ChannelNorm = deep,
                StemScale = !deep,
            })) { Epsilon = 1e-5 };
        }
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
