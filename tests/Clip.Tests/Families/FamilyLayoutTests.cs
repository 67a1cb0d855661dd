using ClipNotebooks.Clip.Checkpoints;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Families;

/// <summary>
/// Every family in the layout that it was not published in: it comes back from there number by number, or the refusal says why not and what
/// holds it.
/// </summary>
public sealed class FamilyLayoutTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("layout").FullName;

    /// <summary>Why the other layout has no place for a model; all that are not here it holds.</summary>
    private static readonly Dictionary<string, string> Refusals = new(StringComparer.Ordinal)
    {
        ["oc_qk_norm"] = Image, ["oc_block_all"] = Image, ["oc_pool_avg_first"] = Image, ["oc_pool_none"] = Image, ["oc_clipa"] = Image,
        ["oc_proj_none"] = Text, ["oc_pool_last"] = Text, ["oc_proj_bias"] = Text, ["oc_eos_ls"] = "it has LayerScale",
        ["oc_patch_dropout"] = "its logits have a bias", ["oc_attn_pool"] = Image, ["oc_attn_pool_avg"] = Image, ["oc_coca"] = Image,
        ["oc_pe_core_t"] = Image, ["oc_pe_core_g"] = Image, ["oc_eva01_g"] = Image, ["oc_eva02_b"] = Image,
        ["oc_eva02_l"] = Image, ["oc_eva02_e"] = Image, ["oc_mobileclip_b"] = Image, ["oc_vitamin"] = Image, ["oc_convnext"] = Grid,
        ["oc_convnext_mlp"] = Grid, ["oc_convnext_xxlarge"] = Grid, ["oc_mobileclip_s"] = Grid, ["oc_mobileclip2_s3"] = Grid,
        ["oc_xlm_roberta"] = Text, ["oc_roberta"] = Text, ["oc_xlm_roberta_cls"] = Text,
        ["hf_siglip_nohead_act"] = "holds it, as SiglipModel", ["hf_siglip2_naflex"] = "holds it, as Siglip2Model",
        ["hf_altclip"] = "holds it, as AltCLIPModel", ["hf_chineseclip"] = "holds it, as ChineseCLIPModel",
    };

    private const string Image = "its image tower has other parts", Text = "its text tower has other parts",
        Grid = "its image tower is convolutional";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(FamilyTests.Models), MemberType = typeof(FamilyTests))]
    public void The_other_layout_gives_a_model_back_or_says_what_holds_it(string name)
    {
        using var family = FamilyCase.Write(name, _folder);
        using var model = ClipCheckpoint.FromPretrained(_folder);
        string saved = Path.Combine(_folder, "saved");
        var (own, other) = family.IsOpenClip ? (CheckpointLayout.OpenClip, CheckpointLayout.HuggingFace)
            : (CheckpointLayout.HuggingFace, CheckpointLayout.OpenClip);
        if (Refusals.TryGetValue(name, out string? reason))
        {
            var refusal = Assert.Throws<ArgumentException>(() => ClipCheckpoint.SavePretrained(model, saved, other));
            Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
            Assert.Contains($"CheckpointLayout.{own} holds", refusal.Message, StringComparison.Ordinal);
            Assert.False(Directory.Exists(saved));
            return;
        }
        ClipCheckpoint.SavePretrained(model, saved, other);
        using var loaded = ClipCheckpoint.FromPretrained(saved);
        var (expected, actual) = (model.state_dict(), loaded.state_dict());
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), actual.Keys.Order(StringComparer.Ordinal));
        Assert.All(actual, pair => Assert.True(expected[pair.Key].flatten().equal(pair.Value.flatten()).all().item<bool>(), pair.Key));
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        var ids = family.Outputs.Read("in.token_ids");
        var images = family.Images();
        Assert.True(model.call(images, ids).LogitsPerImage.equal(loaded.call(images, ids).LogitsPerImage).all().item<bool>());
    }
}
