using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Core.Images;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests;

/// <summary>
/// The whole of the reference data, which lies beside the repository where the tests' copies were taken from it. What the copies leave out
/// for its size is compared here: the crops themselves (the copies have their hashes), and the decoded JPEG files. Skipped, with the
/// reason, where the folder is not.
/// </summary>
public sealed class ReferenceFilesTests
{
    private static readonly string Original = Path.Combine(Repository.Root, "..", "shared", "reference");

    /// <summary>Left out of the copies.</summary>
    private static readonly string[] NotCopied =
        ["README.md", "preprocess/expected.safetensors", "hf_preprocess/expected/", "vocab/", "families/README.md"];

    public static TheoryData<string> JpegFiles =>
        ["02_shapes_333x500_q75", "06_shapes_2000x1333_q90", "12_exif6_480x360_q85", "13_gray_jpeg_225x227_q60",
        "14_progressive444_500x281_q50"];

    [Fact]
    public void The_copies_are_the_originals_byte_for_byte_and_none_is_missing()
    {
        Require();
        var missing = new List<string>();
        foreach (string path in Directory.GetFiles(Original, "*", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(Original, path).Replace('\\', '/');
            if (NotCopied.Any(left => name.StartsWith(left, StringComparison.Ordinal))
                || name.EndsWith(".decoded.png", StringComparison.Ordinal)) continue;
            string copy = Repository.Reference((name.Split('/')[0] switch
            {
                "loss.json" => "losses/" + name,
                "tokens.jsonl" or "decode.jsonl" => "text/" + name,
                "fullsize" or "open_clip" => "models/" + name,
                _ => name,
            }).Split('/'));
            if (!File.Exists(copy) || !File.ReadAllBytes(copy).AsSpan().SequenceEqual(File.ReadAllBytes(path))) missing.Add(name);
        }
        Assert.Empty(missing);
    }

    [Fact]
    public void Every_crop_and_every_final_tensor_equals_the_reference_bit_for_bit()
    {
        Require();
        using var file = SafetensorsFile.Open(Path.Combine(Original, "preprocess", "expected.safetensors"));
        using var scope = NewDisposeScope();
        foreach (string name in file.Names)
        {
            string[] parts = name.Split('.');
            int size = int.Parse(parts[2]);
            var transform = new ClipImageTransform(new ImageTransformConfig { Size = size, ResizeSize = size });
            var image = RasterImage.Load(Directory.GetFiles(Repository.Reference("preprocess", "images"), parts[0] + ".*").Single());
            Tensor expected = file.Read(name), actual = parts[1] == "u8" ? tensor(transform.Crop(image).ToRgbBytes(), [size, size, 3])
                : tensor(transform.Apply(image), [3, size, size]);
            Assert.Equal((expected.dtype, string.Join(",", expected.shape)), (actual.dtype, string.Join(",", actual.shape)));
            Assert.True(expected.equal(actual).all().item<bool>(), name);
        }
    }

    [Theory]
    [MemberData(nameof(JpegFiles))]
    public void A_JPEG_file_has_the_pixels_that_Pillow_decodes(string name)
    {
        Require();
        var expected = RasterImage.Load(Path.Combine(Original, "preprocess", "images", name + ".decoded.png"));
        var actual = RasterImage.Load(Repository.Reference("preprocess", "images", name + ".jpg"));
        Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
        Assert.True(expected.ToRgbBytes().AsSpan().SequenceEqual(actual.ToRgbBytes()), name);
    }

    private static void Require() => Assert.SkipUnless(Directory.Exists(Original), $"The whole reference data is not in {Original}; the " +
        $"copies in tests/Clip.Tests/Reference are used by the other tests.");
}
