using ClipNotebooks.Clip.Images;

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
        var config = Load("""{"crop_size": 224, "do_center_crop": true, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6], "resample": 3, "size": 230}""");
        Assert.Equal((230, 224, ResizeMode.Shortest, Interpolation.Bicubic), (config.ResizeSize, config.Size, config.ResizeMode, config.Interpolation));
        Assert.Equal([0.1f, 0.2f, 0.3f], config.Mean);
        Assert.Equal([0.4f, 0.5f, 0.6f], config.Std);
    }

    [Fact]
    public void Hugging_Faces_newer_form_names_the_edge() =>
        Assert.Equal(ResizeMode.Shortest, Load("""{"crop_size": {"height": 336, "width": 336}, "size": {"shortest_edge": 336}, "image_processor_type": "CLIPImageProcessor"}""").ResizeMode);

    [Fact]
    public void Siglips_squashes_where_it_does_not_say_that_it_crops()
    {
        var config = Load("""{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "image_processor_type": "SiglipImageProcessor", "resample": 3, "size": {"height": 256, "width": 256}}""");
        Assert.Equal((256, 256, ResizeMode.Squash), (config.ResizeSize, config.Size, config.ResizeMode));
    }

    [Theory]
    [InlineData("shortest", "bicubic", ResizeMode.Shortest, Interpolation.Bicubic)]
    [InlineData("squash", "bilinear", ResizeMode.Squash, Interpolation.Bilinear)]
    [InlineData("longest", "bicubic", ResizeMode.Longest, Interpolation.Bicubic)]
    public void OpenClips_form_names_mode_and_interpolation(string mode, string interpolation, ResizeMode expectedMode, Interpolation expected)
    {
        var config = Load($$$"""{"model_cfg": {}, "preprocess_cfg": {"size": [224, 224], "mode": "RGB", "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "interpolation": "{{{interpolation}}}", "resize_mode": "{{{mode}}}", "fill_color": 0}}""");
        Assert.Equal((224, expectedMode, expected), (config.Size, config.ResizeMode, config.Interpolation));
        Assert.Equal([0.1f, 0.2f, 0.3f], config.Mean);
    }

    [Fact]
    public void A_saved_configuration_loads_as_it_was()
    {
        var config = new ImageTransformConfig { Size = 64, ResizeSize = 72, Mean = [0.1f, 0.2f, 0.3f], Std = [0.4f, 0.5f, 0.6f], Interpolation = Interpolation.Bilinear };
        string path = Path.Combine(_folder, "saved.json");
        config.Save(path);
        var loaded = ImageTransformConfig.Load(path);
        Assert.Equal((config.Size, config.ResizeSize, config.ResizeMode, config.Interpolation), (loaded.Size, loaded.ResizeSize, loaded.ResizeMode, loaded.Interpolation));
        Assert.Equal(config.Mean, loaded.Mean);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"size\": \"large\"}")]
    [InlineData("{\"size\": -1}")]
    [InlineData("{\"size\": 224, \"image_mean\": [1]}")]
    [InlineData("not json")]
    public void A_file_that_says_nothing_usable_is_named(string json) =>
        Assert.Contains("preprocessor_config.json", Assert.Throws<InvalidDataException>(() => Load(json)).Message, StringComparison.Ordinal);
}
