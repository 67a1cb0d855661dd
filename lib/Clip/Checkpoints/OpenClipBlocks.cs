using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>Reads and writes the part of OpenCLIP's configuration about the blocks of either tower.</summary>
internal static class OpenClipBlocks
{
    private static readonly (string Key, Func<BlockOptions, bool> Get)[] Flags =
    [
        ("qk_norm", options => options.QueryKeyNorm), ("scaled_cosine_attn", options => options.CosineAttention),
            ("scale_heads", options => options.HeadScale), ("scale_attn_inner", options => options.InnerNorm),
        ("scale_attn", options => options.AttentionNorm), ("scale_fc", options => options.MlpNorm),
    ];

    internal static string[] Keys { get; } = ["block_type", .. Flags.Select(flag => flag.Key)];

    /// <summary>Whether blocks are OpenCLIP's own, with any of its options.</summary>
    internal static bool IsOwn(BlockOptions options) => options is { Norm: NormPlacement.Before, Gate: MlpGate.None, KeyBias: true };

    internal static BlockOptions Read(ConfigSection tower)
    {
        bool plain = tower.Choice("block_type", "", "default", "custom") == "default";
        if (plain && Flags.Select(flag => flag.Key).FirstOrDefault(tower.Flag) is { } key)
            throw new FormatException($"\"{tower.Name("block_type")}\" is \"default\" and \"{key}\" true, which only \"custom\" " +
                $"blocks have");
        return new BlockOptions
        {
            QueryKeyNorm = tower.Flag("qk_norm"),
            CosineAttention = tower.Flag("scaled_cosine_attn"),
            HeadScale = tower.Flag("scale_heads"),
            InnerNorm = tower.Flag("scale_attn_inner"),
            AttentionNorm = tower.Flag("scale_attn"),
            MlpNorm = tower.Flag("scale_fc"),
        };
    }

    internal static double? LayerScale(ConfigSection tower) => tower.Has("ls_init_value") ? tower.Number("ls_init_value", 1) : null;

    /// <summary>
    /// The non-linearity with <c>act_kwargs</c> applied, which may choose GELU's tanh form; QuickGELU takes no arguments.
    /// </summary>
    internal static Activation Activation(ConfigSection tower, Activation activation)
    {
        if (!tower.Has("act_kwargs")) return activation;
        var arguments = tower.Section("act_kwargs");
        arguments.RefuseOthers(["approximate"]);
        string kind = arguments.Choice("approximate", "none", "tanh");
        if (activation == Models.Activation.QuickGelu && arguments.Has("approximate")) throw new FormatException(
            $"\"{arguments.Name("approximate")}\" is \"{kind}\" and \"quick_gelu\" true; QuickGELU takes no arguments");
        return kind == "tanh" ? Models.Activation.GeluTanh : activation;
    }

    internal static double Epsilon(ConfigSection tower)
    {
        if (!tower.Has("norm_kwargs")) return 1e-5;
        var arguments = tower.Section("norm_kwargs");
        arguments.RefuseOthers(["eps"]);
        return arguments.Number("eps", 1e-5);
    }

    /// <summary>The hidden width of the MLP, rounded down as OpenCLIP does.</summary>
    internal static int MlpWidth(ConfigSection section, int width)
    {
        double ratio = section.Number("mlp_ratio", 4), product = width * ratio;
        return product is >= 1 and <= 1 << 20 ? (int)product
            : throw new FormatException($"\"{section.Name("mlp_ratio")}\" is {ratio}, which gives no usable width");
    }

    /// <summary>Writes the keys that both towers have; options with OpenCLIP's defaults are left out.</summary>
    internal static void Write(JsonObject tower, BlockShape block)
    {
        tower["mlp_ratio"] = Ratio(block.MlpWidth, block.Width);
        if (block.LayerScale is { } start) tower["ls_init_value"] = start;
        if (block.LayerNormEpsilon != 1e-5) tower["norm_kwargs"] = new JsonObject { ["eps"] = block.LayerNormEpsilon };
        if (block.Activation == Models.Activation.GeluTanh) tower["act_kwargs"] = new JsonObject { ["approximate"] = "tanh" };
        foreach (var (key, get) in Flags)
            if (get(block.Options)) tower[key] = true;
    }

    /// <summary>The smallest ratio that gives the width.</summary>
    internal static double Ratio(int mlpWidth, int width)
    {
        double ratio = (double)mlpWidth / width;
        while ((int)(width * ratio) < mlpWidth) ratio = Math.BitIncrement(ratio);
        return ratio;
    }
}
