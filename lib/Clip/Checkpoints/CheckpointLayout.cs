namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>How <see cref="ClipCheckpoint.SavePretrained"/> lays a model's folder out.</summary>
public enum CheckpointLayout
{
    /// <summary><c>config.json</c> and <c>model.safetensors</c>, as Hugging Face's <c>CLIPModel</c> loads them. Vision Transformers only.</summary>
    HuggingFace,

    /// <summary><c>open_clip_config.json</c> and <c>open_clip_model.safetensors</c>, as OpenCLIP loads them. ResNets too.</summary>
    OpenClip,
}
