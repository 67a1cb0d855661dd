using ClipNotebooks.Clip.Inference;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Inference;

public sealed class ClipEncoderTests
{
    private static readonly string TinyClip = Path.Combine(Repository.Root, "data", "models", "tiny-clip");

    [Fact]
    public void A_model_opened_at_another_resolution_prepares_and_encodes_images_at_it()
    {
        using var scope = NewDisposeScope();
        using var own = ClipEncoder.FromPretrained(TinyClip, CPU);
        using var larger = ClipEncoder.FromPretrained(TinyClip, CPU, imageSize: 2 * own.Model.Config.Vision.ImageSize);
        using var same = ClipEncoder.FromPretrained(TinyClip, CPU, imageSize: own.Model.Config.Vision.ImageSize);
        var image = RandomClip.Image(1, 90, 70);
        Assert.Equal([1L, 3, 2 * own.Model.Config.Vision.ImageSize, 2 * own.Model.Config.Vision.ImageSize], larger.Processor.Images([image]).shape);
        Assert.Equal(own.EncodeImages([image]).shape, larger.EncodeImages([image]).shape);
        Close.Relative(own.EncodeImages([image]), same.EncodeImages([image]), 1e-6); // the same arithmetic
    }

    [Fact]
    public void A_resolution_below_one_patch_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ClipEncoder.FromPretrained(TinyClip, CPU, imageSize: 1));
}
