using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Clip.Tests.Images;

/// <summary>The forms in which Hugging Face and OpenCLIP publish what a model asks of its images.</summary>
public sealed class ImageTransformConfigTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("transform").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private ImageTransformConfig Load(string json)
    {
        string path = Path.Combine(_folder, "preprocessor_config.json");
        File.WriteAllText(path, json);
        return ImageTransformConfig.Load(path);
    }

    [Fact]
    public void Hugging_Faces_older_form_has_numbers_for_sizes()
    {
        var config = Load("""
            {"crop_size": 224, "do_center_crop": true, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6],
             "resample": 3, "size": 230}
            """);
        Assert.Equal((230, 224, ResizeMode.Shortest, Interpolation.Bicubic),
            (config.ResizeSize, config.Size, config.ResizeMode, config.Interpolation));
        Assert.Equal([0.1f, 0.2f, 0.3f], config.Mean);
        Assert.Equal([0.4f, 0.5f, 0.6f], config.Std);
    }

    [Fact]
    public void Hugging_Faces_newer_form_names_the_edge() =>
        Assert.Equal(ResizeMode.Shortest,
            Load("""
                {"crop_size": {"height": 336, "width": 336}, "size": {"shortest_edge": 336}, "image_processor_type": "CLIPImageProcessor"}
                """).ResizeMode);

    [Fact]
    public void Siglips_squashes_where_it_does_not_say_that_it_crops()
    {
        var config = Load("""
            {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "image_processor_type": "SiglipImageProcessor", "resample": 3,
             "size": {"height": 256, "width": 256}}
            """);
        Assert.Equal((256, 256, ResizeMode.Squash), (config.ResizeSize, config.Size, config.ResizeMode));
    }

    [Theory]
    [InlineData("shortest", "bicubic", ResizeMode.Shortest, Interpolation.Bicubic)]
    [InlineData("squash", "bilinear", ResizeMode.Squash, Interpolation.Bilinear)]
    [InlineData("longest", "bicubic", ResizeMode.Longest, Interpolation.Bicubic)]
    public void OpenClips_form_names_mode_and_interpolation(
        string mode, string interpolation, ResizeMode expectedMode, Interpolation expected)
    {
        var config = Load($$$"""
            {"model_cfg": {}, "preprocess_cfg": {"size": [224, 224], "mode": "RGB", "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6],
             "interpolation": "{{{interpolation}}}", "resize_mode": "{{{mode}}}", "fill_color": 0}}
            """);
        Assert.Equal((224, expectedMode, expected), (config.Size, config.ResizeMode, config.Interpolation));
        Assert.Equal([0.1f, 0.2f, 0.3f], config.Mean);
    }

    [Fact]
    public void A_saved_configuration_loads_as_it_was()
    {
        var config = new ImageTransformConfig { Size = 64, ResizeSize = 72, Mean = [0.1f, 0.2f, 0.3f], Std = [0.4f, 0.5f, 0.6f],
            Interpolation = Interpolation.Bilinear };
        string path = Path.Combine(_folder, "saved.json");
        config.Save(path);
        var loaded = ImageTransformConfig.Load(path);
        Assert.Equal((config.Size, config.ResizeSize, config.ResizeMode, config.Interpolation),
            (loaded.Size, loaded.ResizeSize, loaded.ResizeMode, loaded.Interpolation));
        Assert.Equal(config.Mean, loaded.Mean);
    }

    [Fact]
    public void Numbers_that_are_saved_read_back_to_the_same_floats()
    {
        string path = Path.Combine(_folder, "saved.json");
        var dice = new Random(1);
        for (int round = 0; round < 200; round++)
        {
            float[] mean = [dice.NextSingle(), dice.NextSingle() / 3, 1 / 3f], std = [dice.NextSingle() + 0.01f, 0.26862954f, 0.27577711f];
            new ImageTransformConfig { Mean = mean, Std = std, ConvertFirst = round % 2 == 0, CropRoundsDown = true }.Save(path);
            var loaded = ImageTransformConfig.Load(path);
            Assert.Equal(mean.Concat(std), loaded.Mean.Concat(loaded.Std));
            Assert.Equal((round % 2 == 0, true, true), (loaded.ConvertFirst, loaded.CenterCrop, loaded.CropRoundsDown));
        }
    }

    [Theory]
    [InlineData("[0.1, 0.2, 0.3]", "[1e-44, 0.5, 0.5]")]
    [InlineData("[3e38, 0.2, 0.3]", "[0.5, 0.5, 0.5]")]
    public void Numbers_that_make_infinities_of_pixels_are_refused(string mean, string std)
    {
        string json = $$"""{"size": 224, "image_mean": {{mean}}, "image_std": {{std}}}""";
        var refusal = Assert.Throws<InvalidDataException>(() => Load(json));
        Assert.Contains("preprocessor_config.json", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("infinities", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OpenClips_form_without_a_size_takes_the_models()
    {
        string path = Path.Combine(_folder, "open_clip_config.json");
        File.WriteAllText(path, """{"model_cfg": {}, "preprocess_cfg": {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}}""");
        var config = ImageTransformConfig.Load(path, 336);
        Assert.Equal((336, 336), (config.Size, config.ResizeSize));
        Assert.False(config.ConvertFirst || config.CropRoundsDown);
    }

    /// <summary>
    /// transformers 4.57, CLIPImageProcessor: height and width are both taken, whatever the image's proportions, before the middle is cut
    /// out; sizes that are missing are 224.
    /// </summary>
    [Fact]
    public void Hugging_Faces_defaults_are_those_of_its_class()
    {
        var squashed = Load("""{"size": {"height": 256, "width": 256}, "crop_size": 224, "do_center_crop": true}""");
        Assert.Equal((256, 224, ResizeMode.Squash), (squashed.ResizeSize, squashed.Size, squashed.ResizeMode));
        Assert.Equal((256, 224), (Load("""{"size": 256}""").ResizeSize, Load("""{"size": 256}""").Size));
        Assert.Equal((224, 200), (Load("""{"crop_size": 200}""").ResizeSize, Load("""{"crop_size": 200}""").Size));
        var siglip = Load("""{"size": 256, "image_processor_type": "SiglipImageProcessor"}""");
        Assert.Equal((256, ResizeMode.Squash), (siglip.Size, siglip.ResizeMode));
        Assert.Equal([0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f], siglip.Mean.Concat(siglip.Std));
        var plain = Load("""{"size": 224, "do_normalize": false, "feature_extractor_type": "CLIPFeatureExtractor"}""");
        Assert.Equal([0f, 0, 0, 1, 1, 1], plain.Mean.Concat(plain.Std));
    }

    [Fact]
    public void ChineseCLIPs_is_CLIPs_under_another_name()
    {
        const string rest = "\"size\": {\"height\": 224, \"width\": 224}, \"do_center_crop\": false}";
        var config = Load("{\"image_processor_type\": \"ChineseCLIPImageProcessor\", " + rest);
        Assert.Equal((ResizeMode.Squash, 224), (config.ResizeMode, config.Size));
        Assert.Equal(0.48145466f, Load("{\"feature_extractor_type\": \"ChineseCLIPFeatureExtractor\", " + rest).Mean[0]);
    }

    [Theory]
    [InlineData("[]", "not a JSON object")]
    [InlineData("{}", "neither \"size\" nor \"crop_size\"")]
    [InlineData("{\"size\": \"large\"}", "\"size\" is \"large\"; pixels are needed")]
    [InlineData("{\"size\": -1}", "-1")]
    [InlineData("{\"size\": {\"height\": 224, \"width\": 336}}", "several sides (224 x 336)")]
    [InlineData("{\"size\": 224, \"image_mean\": [1]}", "\"image_mean\" is [1]; three numbers are needed")]
    [InlineData("{\"size\": 224, \"image_std\": \"wide\"}", "\"image_std\" is \"wide\"; three numbers are needed")]
    [InlineData("{\"size\": 224, \"do_resize\": false}", "\"do_resize\" is false, which is not supported")]
    [InlineData("{\"size\": 224, \"do_rescale\": false}", "\"do_rescale\" is false, which is not supported")]
    [InlineData("{\"size\": 224, \"rescale_factor\": 0.0078}", "\"rescale_factor\" is 0.0078; 1 / 255 is supported")]
    [InlineData("{\"size\": 224, \"do_pad\": true}", "\"do_pad\" is true, which is not supported")]
    [InlineData("{\"size\": 224, \"resample\": 1}", "\"resample\" is 1; 0 (nearest)")]
    [InlineData("{\"size\": 224, \"image_processor_type\": \"BlipImageProcessor\"}",
        "\"image_processor_type\" is \"BlipImageProcessor\"; CLIP's, SigLIP's and SigLIP 2's are supported")]
    [InlineData("{\"patch_size\": 0, \"image_processor_type\": \"Siglip2ImageProcessor\"}",
        "\"patch_size\" is 0; 1 to 1024 pixels are needed")]
    [InlineData("{\"max_num_patches\": 70000, \"image_processor_type\": \"Siglip2ImageProcessor\"}", "\"max_num_patches\" is 70000")]
    [InlineData("{\"patch_size\": 1024, \"max_num_patches\": 65536, \"image_processor_type\": \"Siglip2ImageProcessor\"}",
        "no more than 268,435,456")]
    [InlineData("{\"do_resize\": false, \"image_processor_type\": \"Siglip2ImageProcessor\"}",
        "\"do_resize\" is false, which is not supported")]
    [InlineData("{\"mean\": [0.5, 0.5, 0.5], \"mode\": \"L\"}", "\"mode\" is \"L\"; RGB is supported")]
    [InlineData("{\"mean\": [0.5, 0.5, 0.5], \"size\": [224, 336]}", "several sides (224 x 336)")]
    [InlineData("{\"mean\": [0.5, 0.5, 0.5], \"resize_mode\": \"longest\", \"fill_color\": 127}", "\"fill_color\" is 127; 0 is supported")]
    [InlineData("{\"mean\": [0.5, 0.5, 0.5], \"interpolation\": \"random\"}", "\"interpolation\" is \"random\"; bicubic")]
    [InlineData("not json", "it is not JSON")]
    public void What_is_unusable_or_not_supported_is_refused_by_name(string json, string reason)
    {
        string message = Assert.Throws<InvalidDataException>(() => Load(json)).Message;
        Assert.Contains("preprocessor_config.json", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.Contains("copy it anew", message, StringComparison.Ordinal);
    }

    /// <summary>A file of 10 KB, whose resize would ask for gigabytes, or for a side beyond 2^31 pixels.</summary>
    [Theory]
    [InlineData(ResizeMode.Shortest, 9_600_000, 1)]
    [InlineData(ResizeMode.Shortest, 1, 9_600_000)]
    [InlineData(ResizeMode.Shortest, 8_000_000, 1)]
    [InlineData(ResizeMode.Squash, 9_600_000, 1)]
    [InlineData(ResizeMode.Squash, 1, 9_600_000)]
    [InlineData(ResizeMode.Longest, 9_600_000, 1)]
    [InlineData(ResizeMode.Patches, 9_600_000, 1)]
    public void An_image_too_elongated_to_resize_is_refused_with_its_size(ResizeMode mode, int width, int height)
    {
        var config = new ImageTransformConfig { ResizeMode = mode, Patches = mode == ResizeMode.Patches ? (16, 256) : null };
        using var image = RasterImage.FromSamples(width, height, SampleLayout.Rgb, new byte[4 * width * height]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<InvalidDataException>(() => new ClipImageTransform(config).Apply(image));
        Assert.Contains($"{width:N0} x {height:N0} pixels", error.Message, StringComparison.Ordinal);
        Assert.Contains("too elongated", error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000_000);
    }

    /// <summary>As wide as a JPEG can be; a strip of one colour stays one colour.</summary>
    [Theory]
    [InlineData(ResizeMode.Shortest, Interpolation.Bicubic)]
    [InlineData(ResizeMode.Shortest, Interpolation.Nearest)]
    [InlineData(ResizeMode.Squash, Interpolation.Bicubic)]
    [InlineData(ResizeMode.Longest, Interpolation.Bicubic)]
    [InlineData(ResizeMode.Patches, Interpolation.Bilinear)]
    public void The_longest_strip_that_a_JPEG_can_hold_is_prepared_within_some_megabytes(ResizeMode mode, Interpolation interpolation)
    {
        const int Width = 65_535;
        var config = new ImageTransformConfig { ResizeMode = mode, Interpolation = interpolation,
            Patches = mode == ResizeMode.Patches ? (16, 256) : null };
        byte[] samples = new byte[4 * Width];
        Array.Fill(samples, (byte)200);
        using var image = RasterImage.FromSamples(Width, 1, SampleLayout.Rgb, samples);
        long before = GC.GetAllocatedBytesForCurrentThread();
        float[] pixels = new ClipImageTransform(config).Apply(image);
        Assert.Contains((200 / 255f - config.Mean[0]) / config.Std[0], pixels);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 40_000_000);
    }

    [Fact]
    public void Without_a_crop_a_strip_that_no_array_holds_is_refused()
    {
        using var image = RasterImage.FromSamples(65_535, 1, SampleLayout.Rgb, new byte[4 * 65_535]);
        var error = Assert.Throws<InvalidDataException>(
            () => new ClipImageTransform(new ImageTransformConfig { CenterCrop = false }).Crop(image));
        Assert.Contains("too elongated", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Beside_an_image_in_CMYK_the_rest_is_white()
    {
        var image = RasterImage.FromSamples(4, 2, SampleLayout.Cmyk, [.. Enumerable.Repeat((byte)255, 4 * 8)]);
        var crop = new ClipImageTransform(new ImageTransformConfig { Size = 4, ResizeSize = 4, ResizeMode = ResizeMode.Longest })
            .Crop(image);
        Assert.Equal([255, 0, 0, 255], Enumerable.Range(0, 4).Select(y => (int)crop.Samples[4 * 4 * y]));
    }

    /// <summary>
    /// open_clip 4.2.0.dev0, transform.py: ResizeKeepRatio rounds halves to even, center_crop_or_pad has the smaller half of the border
    /// above and on the left.
    /// </summary>
    [Theory]
    [InlineData(10, 5, 7, 1, 0)]
    [InlineData(10, 7, 10, 1, 0)]
    [InlineData(5, 10, 7, 0, 1)]
    [InlineData(30, 10, 9, 3, 0)]
    public void The_longest_side_fits_and_the_rest_is_black(int width, int height, int side, int above, int left)
    {
        var image = RasterImage.FromRgb(width, height, [.. Enumerable.Repeat((byte)200, 3 * width * height)]);
        var crop = new ClipImageTransform(new ImageTransformConfig { Size = side, ResizeSize = side, ResizeMode = ResizeMode.Longest })
            .Crop(image);
        byte At(int x, int y) => crop.Samples[4 * (y * side + x)];
        Assert.Equal(above, Enumerable.Range(0, side).TakeWhile(y => At(side / 2, y) == 0).Count());
        Assert.Equal(left, Enumerable.Range(0, side).TakeWhile(x => At(x, side / 2) == 0).Count());
    }
}
