using System.Text.RegularExpressions;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Search.Records;
using Microsoft.Extensions.VectorData;

namespace ClipNotebooks.Search.Tests.Records;

/// <summary>The example of lib/Search/README.md, as it stands there.</summary>
public sealed partial class ExampleTests
{
    public sealed class Photo
    {
        [VectorStoreKey] public string Id { get; set; } = "";
        [VectorStoreData] public string? Place { get; set; }
        [VectorStoreData] public int Year { get; set; }
        [VectorStoreVector(128)] public ReadOnlyMemory<float> Vector { get; set; }
    }

    [Fact]
    public async Task The_example_finds_what_it_says()
    {
        using var sandbox = new Sandbox();
        using var clip = Clip.Inference.ClipEncoder.FromPretrained(Sandbox.TinyClip);
        using var index = ImageSearchIndex.Create(sandbox.Index, clip);
        string folder = Path.Combine(Sandbox.RepositoryRoot, "data", "images");
        List<string> said = [];

        // README: from here
        var photos = new ImageRecords<Photo>(index);
        foreach (string name in new[] { "cat", "beach", "pizza" })
        {
            float[] vector = clip.EmbedImages([RasterImage.Load($"{folder}/{name}.png")])[0];
            await photos.UpsertAsync(new Photo { Id = name, Place = name == "cat" ? null : "Naples", Year = 2024, Vector = vector });
        }
        await foreach (var found in photos.SearchAsync("something to eat, a pizza", 2, new() { Filter = photo => photo.Place == "Naples" }))
            said.Add($"{found.Record.Id}, {found.Record.Year}");
        // README: to here

        Assert.Equal(["pizza, 2024", "beach, 2024"], said);
        string own = Spaces().Replace(File.ReadAllText(Path.Combine(
            Sandbox.RepositoryRoot, "tests", "Search.Tests", "Records", "ExampleTests.cs")), " ");
        string readme = Spaces().Replace(File.ReadAllText(Path.Combine(Sandbox.RepositoryRoot, "lib", "Search", "README.md")), " ");
        string code = own.Split("// README: from here ")[1].Split(" // README: to here")[0];
        string type = own[own.IndexOf("public sealed class Photo", StringComparison.Ordinal)..];
        type = type[..type.IndexOf(" [Fact]", StringComparison.Ordinal)];
        Assert.Contains(type, readme, StringComparison.Ordinal);
        Assert.Contains(code.Replace("said.Add(", "Console.WriteLine(", StringComparison.Ordinal), readme, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
