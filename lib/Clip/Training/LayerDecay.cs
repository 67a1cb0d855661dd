using System.Globalization;
using System.Text.RegularExpressions;
using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// Learning rates that fall from a tower's end to its beginning, by one factor a block (Clark et al. 2020, "ELECTRA"; Bao et al. 2021,
/// "BEiT"): the layers near the pixels and the tokens are the most general, and are changed the least.
/// </summary>
internal static partial class LayerDecay
{
    /// <summary>
    /// A parameter's factor: 1 after the last block, <paramref name="decay"/> in it, its square in the block before, and so on to the
    /// embeddings.
    /// </summary>
    internal static double Factor(string name, ClipConfig config, double decay)
    {
        if (decay == 1 || name is "logit_scale" or "logit_bias") return 1;
        int layers = name.StartsWith("visual.", StringComparison.Ordinal) ? config.Vision.Layers : config.Text.Layers;
        return Math.Pow(decay, layers + 1 - Depth(name, layers));
    }

    /// <summary>0 for the embeddings, n for block n, from 1, and one more than the last block for what comes after the blocks.</summary>
    private static int Depth(string name, int layers)
    {
        if (Block().Match(name) is { Success: true } match) return int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) + 1;
        string local = name.StartsWith("visual.", StringComparison.Ordinal) ? name["visual.".Length..] : name;
        string[] first = ["conv1", "stem", "class_embedding", "cls_emb", "positional_embedding", "token_embedding", "token_type_embedding",
            "ln_pre"];
        return first.Any(part => local.StartsWith(part, StringComparison.Ordinal)) ? 0 : layers + 1;
    }

    [GeneratedRegex(@"resblocks\.(\d+)\.")]
    private static partial Regex Block();
}
