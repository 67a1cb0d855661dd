using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Tests.Families;

/// <summary>
/// Folders of the families whose configuration asks for what is not there: the refusal names the file, the key and the nearest thing that
/// works.
/// </summary>
public sealed class FamilyRefusalTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("refusal").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Case, key, what it becomes (nothing: null), and what the message says.</summary>
    [Theory]
    [InlineData("hf_siglip", "vision_config.hidden_size", "", "\"vision_config.hidden_size\"")]
    [InlineData("hf_siglip", "vision_config", "", "\"vision_config\" is not an object")]
    [InlineData("hf_siglip", "vision_config.vision_use_head", "false", "\"vision_config.vision_use_head\" is false")]
    [InlineData("hf_siglip", "text_config.hidden_act", "\"relu\"", "\"quick_gelu\", \"gelu\" and \"gelu_pytorch_tanh\" are supported")]
    [InlineData("hf_siglip", "text_config.vocab_size", "321", "see text_config.vocab_size and hidden_size")]
    [InlineData("hf_siglip", "vision_config.image_size", "64", "see vision_config.image_size, patch_size and hidden_size")]
    [InlineData("hf_siglip", "model_type", "\"siglip3\"", "\"siglip\", \"siglip2\"")]
    [InlineData("hf_siglip2_naflex", "vision_config.num_patches", "17", "\"vision_config.num_patches\" is 17; a square number is needed")]
    [InlineData("hf_siglip2_naflex", "vision_config.num_patches", "25", "see vision_config.num_patches and hidden_size")]
    [InlineData("hf_altclip", "text_config.project_dim", "20", "see text_config.project_dim and hidden_size")]
    [InlineData("hf_altclip", "text_config.position_embedding_type", "\"relative_key\"", "\"absolute\" is supported")]
    [InlineData("oc_xlm_roberta", "model_cfg.text_cfg", "", "\"model_cfg.text_cfg\" is not an object")]
    [InlineData("oc_xlm_roberta", "model_cfg.embed_dim", "", "see embed_dim and text_cfg.hf_model_config.hidden_size")]
    [InlineData("oc_xlm_roberta", "model_cfg.text_cfg.hf_pooler_type", "\"max_pooler\"", "\"mean_pooler\"")]
    [InlineData("oc_xlm_roberta", "model_cfg.text_cfg.hf_model_name", "\"google/mt5-base\"", "xlm-roberta-base, xlm-roberta-large")]
    [InlineData("oc_xlm_roberta", "model_cfg.text_cfg.hf_model_config.vocab_size", "99", "see text_cfg.hf_model_config.vocab_size")]
    [InlineData("oc_xlm_roberta", "model_cfg.text_cfg.hf_model_config.max_position_embeddings", "3", "leaves no room for a text")]
    [InlineData("oc_convnext", "model_cfg.vision_cfg.timm_pool", "\"max\"", "\"avg\" is supported for convnext")]
    [InlineData("oc_convnext", "model_cfg.embed_dim", "44", "see embed_dim and ")]
    [InlineData("oc_convnext", "model_cfg.vision_cfg.timm_model_name", "\"swin_base_patch4_window7_224\"", "fastvit_mci0")]
    [InlineData("oc_eva02_b", "model_cfg.vision_cfg.timm_model_kwargs.reg_tokens", "4", "timm_model_kwargs.reg_tokens\" is 4")]
    [InlineData("oc_eva02_b", "model_cfg.vision_cfg.timm_model_kwargs.depth", "1", "vision_cfg.layers is 1")]
    [InlineData("oc_eva02_b", "model_cfg.vision_cfg.timm_model_name", "\"eva03_base\"", "eva02_base_patch16_clip_224")]
    [InlineData("oc_pe_core_t", "model_cfg.text_cfg.context_length", "40", "see text_cfg.context_length and width")]
    [InlineData("oc_coca", "model_cfg.vision_cfg.attentional_pool", "\"cascade\"", "CoCa's pool")]
    [InlineData("oc_coca", "model_cfg.vision_cfg.pool_type", "\"max\"", "\"tok\", \"avg\", \"none\" are supported")]
    public void A_refusal_names_the_file_the_key_and_what_works(string name, string key, string value, string said)
    {
        using var family = FamilyCase.Write(name, _folder);
        string path = Path.Combine(_folder, family.IsOpenClip ? "open_clip_config.json" : "config.json");
        var root = JsonNode.Parse(File.ReadAllText(path))!;
        string[] keys = key.Split('.');
        var section = keys[..^1].Aggregate(root, (inner, part) => inner[part] ??= new JsonObject());
        section[keys[^1]] = value.Length == 0 ? null : JsonNode.Parse(value);
        File.WriteAllText(path, root.ToJsonString());
        var refusal = Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder).Dispose());
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(said, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("no value of the configuration", refusal.Message, StringComparison.Ordinal);
    }
}
