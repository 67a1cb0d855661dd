namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>The layout of a model's folder, as <see cref="ClipCheckpoint.SavePretrained"/> writes it.</summary>
public enum CheckpointLayout
{
    /// <summary>
    /// <c>config.json</c> and <c>model.safetensors</c>, as Hugging Face's <c>CLIPModel</c> and its classes for other families load them.
    /// Vision Transformers only.
    /// </summary>
    HuggingFace,

    /// <summary>
    /// <c>open_clip_config.json</c> and <c>open_clip_model.safetensors</c>, as OpenCLIP loads them. ResNets too. GELU's tanh form is
    /// written as <c>act_kwargs</c>, which OpenCLIP's own image and text towers support from version 2.23 on (<c>model.py</c>); earlier
    /// versions refuse the key.
    /// </summary>
    OpenClip,
}
