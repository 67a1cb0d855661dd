namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>The ways of naming CLIP's parameters that checkpoints follow.</summary>
public enum ParameterNaming
{
    /// <summary>
    /// openai/CLIP's, which <see cref="Models.ClipModel"/> has too, and most of OpenCLIP: <c>visual.conv1.weight</c>,
    /// <c>transformer.resblocks.0.attn.in_proj_weight</c>.
    /// </summary>
    OpenAi,

    /// <summary>
    /// OpenCLIP's where its configuration says <c>custom_text</c>: as <see cref="OpenAi"/>, but with the text tower under <c>text.</c>.
    /// </summary>
    OpenClipCustomText,

    /// <summary>
    /// Hugging Face's <c>CLIPModel</c>: <c>vision_model.…</c>, <c>text_model.…</c>, with separate q, k and v. It has no names for a ResNet.
    /// </summary>
    HuggingFace,
}
