namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>How <see cref="ClipCheckpoint.SavePretrained"/> lays a model's folder out.</summary>
public enum CheckpointLayout
{
    /// <summary>
    /// <c>config.json</c> and <c>model.safetensors</c>, as Hugging Face's <c>CLIPModel</c> loads them. Vision Transformers only.
    /// </summary>
    HuggingFace,

    /// <summary>
    /// <c>open_clip_config.json</c> and <c>open_clip_model.safetensors</c>, as OpenCLIP loads them. ResNets too. GELU's tanh form is
    /// written as <c>act_kwargs</c>, which OpenCLIP's own towers, of images and of texts, heed from its version 2.23 on (<c>model.py</c>);
    /// earlier ones refuse the key.
    /// </summary>
    OpenClip,
}
