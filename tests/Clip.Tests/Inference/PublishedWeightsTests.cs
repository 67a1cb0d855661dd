using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using TorchSharp;

namespace ClipNotebooks.Clip.Tests.Inference;

/// <summary>
/// openai/clip-vit-base-patch32 as published, held against the figures that its makers published. Runs where the weights are in the Hub
/// cache, or with CLIP_ONLINE=1, which downloads them. The two pictures are taken from the folder CLIP_PICTURES, or with CLIP_ONLINE=1 from
/// where they are published.
/// </summary>
public sealed class PublishedWeightsTests
{
    private const string Id = "openai/clip-vit-base-patch32";

    private static bool Online => Environment.GetEnvironmentVariable("CLIP_ONLINE") == "1";

    // openai/CLIP, README: "Label probs: [[0.9927937 0.00421068 0.00299572]]"; printed from float16 on a GPU or float32 on a CPU, which
    // agree to about 1e-3.
    [Fact]
    public async Task The_diagram_of_Clip_has_the_probabilities_of_its_README()
    {
        using var encoder = await OpenAsync();
        var image = await PictureAsync("CLIP.png", "https://raw.githubusercontent.com/openai/CLIP/main/CLIP.png");
        using var probabilities = encoder.LogitsPerImage([image], ["a diagram", "a dog", "a cat"]).softmax(1);
        double[] expected = [0.9927937, 0.00421068, 0.00299572];
        for (int i = 0; i < 3; i++) Assert.Equal(expected[i], probabilities[0, i].ToDouble(), 1e-3);
    }

    // transformers, tests/models/clip/test_modeling_clip.py, test_inference: tolerance 1e-3 there too.
    [Fact]
    public async Task The_cats_of_Coco_have_the_logits_of_transformers()
    {
        using var encoder = await OpenAsync();
        var image = await PictureAsync("000000039769.jpg", "http://images.cocodataset.org/val2017/000000039769.jpg");
        using var logits = encoder.LogitsPerImage([image], ["a photo of a cat", "a photo of a dog"]);
        Assert.Equal(24.5701, logits[0, 0].ToDouble(), 1e-3);
        Assert.Equal(19.3049, logits[0, 1].ToDouble(), 1e-3);
    }

    // openai/CLIP, notebooks/Interacting_with_CLIP.ipynb.
    [Fact]
    public async Task Hello_World_has_the_ids_of_OpenAIs_notebook()
    {
        var processor = ClipProcessor.FromPretrained(await FolderAsync());
        Assert.Equal([49406L, 3306, 1002, 256, 49407], processor.Tokenizer.Tokenize(["Hello World!"]).Ids);
    }

    private static async Task<ClipEncoder> OpenAsync() => ClipEncoder.FromPretrained(await FolderAsync(), torch.CPU);

    private static async Task<string> FolderAsync()
    {
        var hub = new HuggingFaceHub();
        if (hub.Find(Id) is { } cached) return cached;
        Assert.SkipUnless(Online, $"{Id} is not in the Hub cache. Download it with `clipbook download {Id}`, or set CLIP_ONLINE=1.");
        return await hub.DownloadAsync(Id);
    }

    private static async Task<RasterImage> PictureAsync(string name, string address)
    {
        string? folder = Environment.GetEnvironmentVariable("CLIP_PICTURES");
        if (folder is not null && File.Exists(Path.Combine(folder, name))) return RasterImage.Load(Path.Combine(folder, name));
        Assert.SkipUnless(Online, $"The picture {name} is not at hand. Set CLIP_PICTURES to a folder with it, or CLIP_ONLINE=1 to take " +
            $"it from {address}.");
        using var http = new HttpClient();
        return SkiaImageDecoder.Shared.Decode(await http.GetByteArrayAsync(new Uri(address)), name);
    }
}
