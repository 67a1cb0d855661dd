namespace ClipNotebooks.Clip.Models;

/// <summary>The shape of a <see cref="ConvNext"/>: four stages.</summary>
public sealed record ConvNextConfig : ConvolutionalConfig
{
    internal override void Validate()
    {
        base.Validate();
        if (Depths.Count != 4) throw new ArgumentException($"Vision.Convolutional has {Depths.Count} stages; a ConvNeXt has 4.");
    }
}
