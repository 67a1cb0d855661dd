namespace ClipNotebooks.Clip.Inference;

/// <summary>An application's CLIP as its configuration names it: a section such as <c>"Clip": { "Model": "models/clip" }</c>.</summary>
public sealed class TorchServiceOptions
{
    /// <summary>A folder, or a Hub id such as <c>openai/clip-vit-base-patch32</c>.</summary>
    public string Model { get; set; } = "";

    /// <summary>Where to run, as <c>cpu</c> or <c>cuda:1</c>; CUDA if there is one, else the CPU, where it is left out.</summary>
    public string? Device { get; set; }

    /// <summary>What the model's prepared form computes in.</summary>
    public Precision Precision { get; set; } = Precision.Float32;
}
