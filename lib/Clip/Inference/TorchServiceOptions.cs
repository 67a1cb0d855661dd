namespace ClipNotebooks.Clip.Inference;

/// <summary>
/// The values of the configuration section that selects an application's CLIP, such as <c>"Clip": { "Model": "models/clip" }</c>.
/// </summary>
public sealed class TorchServiceOptions
{
    /// <summary>A folder, or a Hub id such as <c>openai/clip-vit-base-patch32</c>.</summary>
    public string Model { get; set; } = "";

    /// <summary>Where to run, such as <c>cpu</c> or <c>cuda:1</c>; by default CUDA if there is one, else the CPU.</summary>
    public string? Device { get; set; }

    /// <summary>The precision of the model's prepared form.</summary>
    public Precision Precision { get; set; } = Precision.Float32;
}
