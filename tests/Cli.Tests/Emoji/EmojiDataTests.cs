using System.Text.Json;
using ClipNotebooks.Cli.Emoji;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook.Emoji;

namespace ClipNotebooks.Cli.Tests.Emoji;

/// <summary>`clipbook data emoji`, on packages of the test's own in npm's form.</summary>
public sealed class EmojiDataTests : IDisposable
{
    private const string Korean = "cldr-annotations-full/annotations/ko/annotations.json";

    private readonly TemporaryFolder _folder = new();

    private string Packages => Path.Combine(_folder.Path, "packages");

    private string Output => Path.Combine(_folder.Path, "emoji");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Concepts_are_what_three_houses_draw_and_both_languages_name_without_tones_and_gendered_forms()
    {
        var data = await MakeAsync();
        Assert.Equal(["elephant", "fish", "red apple", "red heart", "backhand index pointing right", "backhand index pointing left",
            "astronaut", "person running", "family"], data.Concepts.Select(concept => concept.English.Name));
        var elephant = data.Concepts[0];
        Assert.Equal(("1f418", "🐘", "Animals & Nature", "코끼리"), (elephant.Id, elephant.Emoji, elephant.Group, elephant.Korean.Name));
        Assert.All(data.Concepts, concept => Assert.Equal(["noto", "fluent", "twemoji", "openmoji"], concept.Styles));
        Assert.Equal(new Dictionary<string, int>
        {
            ["a man's or woman's form of what has a person's"] = 2,
            ["a tone of skin"] = 1,
            ["drawn as another concept is"] = 1,
            ["drawn by no designer"] = 1,
            ["drawn by too few designers"] = 1,
            ["without a Korean name"] = 1,
        }, data.Manifest.Left);
    }

    [Fact]
    public async Task One_keyword_in_five_is_held_out_and_none_is_a_part_of_the_name()
    {
        var data = await MakeAsync();
        foreach (var words in data.Concepts.SelectMany(concept => new[] { concept.English, concept.Korean }))
        {
            int all = words.Keywords.Count + words.HeldOut.Count;
            Assert.InRange(words.HeldOut.Count, 0, (all + 2) / 5);
            Assert.DoesNotContain(words.Name, words.Keywords.Concat(words.HeldOut));
            Assert.All(words.HeldOut, word => Assert.DoesNotContain(word, words.Name, StringComparison.OrdinalIgnoreCase));
            Assert.Empty(words.Keywords.Intersect(words.HeldOut));
        }
        Assert.Single(data.Concepts[0].English.HeldOut);
        Assert.Empty(data.Concepts[2].English.HeldOut.Intersect(["apple", "red"]));
    }

    [Fact]
    public async Task A_picture_is_the_house_s_drawing_with_transparency_and_flips_as_its_alias_says()
    {
        var data = await MakeAsync();
        int side = EmojiDataWriter.Pixels, middle = side * 18 / 32 * side + side / 2;
        var apple = data.Concepts.Single(concept => concept.Id == "1f34e");
        using (var picture = data.Picture("noto", apple))
        {
            Assert.Equal([0xcc, 0, 0, 255], picture.Samples.Slice(4 * middle, 4).ToArray());
            Assert.Equal(0, picture.Samples[3]);
        }
        using (var picture = data.Picture("openmoji", apple))
            Assert.Equal([0xcc, 0, 0xcc, 255], picture.Samples.Slice(4 * middle, 4).ToArray());
        using (var white = data.OnWhite("noto", apple)) Assert.Equal([255, 255, 255], white.Samples[..3].ToArray());
        Assert.Equal([true, false], Halves("1f448"));
        Assert.Equal([false, true], Halves("1f449"));

        // Whether there is ink at the left and at the right.
        bool[] Halves(string id)
        {
            using var picture = data.Picture("noto", data.Concepts.Single(concept => concept.Id == id));
            int row = side / 2 * side;
            return [picture.Samples[4 * (row + 4) + 3] > 0, picture.Samples[4 * (row + side - 5) + 3] > 0];
        }
    }

    [Fact]
    public async Task Archives_and_unpacked_packages_give_the_same_bytes_and_the_manifest_names_every_source()
    {
        var data = await MakeAsync();
        string other = Path.Combine(_folder.Path, "other"), archives = Path.Combine(_folder.Path, "archives");
        EmojiPackageFixture.Write(archives, archives: true);
        var (code, said, error) = await Clipbook.RunAsync("data", "emoji", "--packages", archives, "--output", other);
        Assert.True(code == ExitCode.Success, error);
        Assert.Contains("9 concepts, 36 pictures; to train on: noto, fluent, twemoji; held out: openmoji.", said, StringComparison.Ordinal);
        string[] files = [.. Files(Output)];
        Assert.Equal(2 + 36, files.Length);
        Assert.Equal(files, Files(other));
        Assert.All(files, file =>
            Assert.Equal(File.ReadAllBytes(Path.Combine(Output, file)), File.ReadAllBytes(Path.Combine(other, file))));

        Assert.Equal(EmojiPackages.Designers.Select(designer => designer.Package).Append(EmojiPackages.Names),
            data.Manifest.Sources.Select(source => source.Package));
        Assert.All(data.Manifest.Sources, source =>
        {
            Assert.False(string.IsNullOrEmpty(source.Version) || string.IsNullOrEmpty(source.Licence));
            Assert.NotEmpty(source.Sha256);
            Assert.All(source.Sha256.Values, hash => Assert.Equal(64, hash.Length));
        });

        static IEnumerable<string> Files(string folder) => Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(folder, path)).Order(StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_package_that_is_missing_is_named_with_the_line_that_fetches_it_and_nothing_is_left()
    {
        EmojiPackageFixture.Write(Packages, archives: true);
        foreach (string archive in Directory.GetFiles(Packages, "iconify-json-twemoji-*")) File.Delete(archive);
        string error = await FailAsync(ExitCode.Failed);
        Assert.Contains($"{Packages} holds no @iconify-json/twemoji", error, StringComparison.Ordinal);
        Assert.Contains("npm pack @iconify-json/noto@", error, StringComparison.Ordinal);

        Assert.Contains("no such folder", await FailAsync(ExitCode.Usage, Path.Combine(_folder.Path, "nowhere")), StringComparison.Ordinal);
        EmojiPackageFixture.Write(Packages, archives: false);
        Assert.Contains("2 times", await FailAsync(ExitCode.Failed), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("iconify-json-noto/icons.json", "{\"icons\": ", "icons.json is not what @iconify-json/noto has")]
    [InlineData("iconify-json-noto/icons.json", "{\"icons\": {}}", "it has no icon \"elephant\", which chars.json names")]
    [InlineData("iconify-json-noto/chars.json", "[]", "is not what @iconify-json/noto has")]
    [InlineData(Korean, "{}", "annotations/ko/annotations.json is not what cldr-annotations-full")]
    [InlineData(Korean, "{\"annotations\":{\"annotations\":{}}}", "concepts in common")]
    public async Task A_file_that_is_not_as_it_should_be_is_named(string file, string content, string says)
    {
        EmojiPackageFixture.Write(Packages, archives: false);
        await File.WriteAllTextAsync(Path.Combine(Packages, file), content);
        Assert.Contains(says, await FailAsync(ExitCode.Failed), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_holds_something_is_left_alone()
    {
        EmojiPackageFixture.Write(Packages, archives: false);
        Directory.CreateDirectory(Output);
        await File.WriteAllTextAsync(Path.Combine(Output, "mine.txt"), "mine");
        var (code, _, error) = await Clipbook.RunAsync("data", "emoji", "--packages", Packages, "--output", Output);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("holds something already", error, StringComparison.Ordinal);
        Assert.Equal(["mine.txt"], Directory.GetFileSystemEntries(Output).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_gallery_has_a_house_s_pictures_by_name_and_their_words()
    {
        await MakeAsync();
        string gallery = Path.Combine(_folder.Path, "gallery");
        var (code, said, error) = await Clipbook.RunAsync("data", "gallery", "--data", Output, "--style", "twemoji", "--output", gallery);
        Assert.True(code == ExitCode.Success, error);
        Assert.Contains("9 pictures", said, StringComparison.Ordinal);
        var drawn = EmojiGallery.Open(gallery);
        var apple = drawn.Entries.Single(entry => entry.File == "red-apple.webp");
        using (var picture = drawn.Picture(apple)) Assert.Equal(EmojiDataWriter.Pixels, picture.Width);
        Assert.Equal(9, drawn.Entries.Count);
        Assert.Equal("코끼리", drawn.Entries.Single(entry => entry.File == "elephant.webp").Korean.Name);

        (code, said, _) = await Clipbook.RunAsync("data", "gallery", "--data", Output, "--every", "4", "--output", gallery + "1");
        Assert.Contains("3 pictures", said, StringComparison.Ordinal);
        Assert.Equal(3, EmojiGallery.Open(gallery + "1").Entries.Count);
        (code, _, error) = await Clipbook.RunAsync("data", "gallery", "--data", Output, "--every", "0", "--output", gallery + "2");
        Assert.Equal((ExitCode.Usage, true), (code, error.Contains("--every 0", StringComparison.Ordinal)));
        (code, _, error) = await Clipbook.RunAsync("data", "gallery", "--data", Output, "--style", "mine", "--output", gallery + "2");
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains("noto, fluent, twemoji, openmoji", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_of_another_format_or_with_a_picture_missing_are_refused()
    {
        var data = await MakeAsync();
        File.Delete(Path.Combine(Output, EmojiData.PictureName("noto", "1f418")));
        Says("is missing", Assert.Throws<InvalidDataException>(() => data.Picture("noto", data.Concepts[0])));
        string manifest = Path.Combine(Output, EmojiData.ManifestName);
        await File.WriteAllTextAsync(manifest, JsonSerializer.Serialize(data.Manifest with { Format = 2 }, EmojiData.Json));
        Says("\"format\" is 2", Assert.Throws<InvalidDataException>(() => EmojiData.Open(Output)));
        Says("clipbook data emoji", Assert.Throws<FileNotFoundException>(() => EmojiData.Open(Packages)));
        Says("clipbook data gallery", Assert.Throws<FileNotFoundException>(() => EmojiGallery.Open(Packages)));

        static void Says(string what, Exception problem) => Assert.Contains(what, problem.Message, StringComparison.Ordinal);
    }

    private async Task<EmojiData> MakeAsync()
    {
        EmojiPackageFixture.Write(Packages, archives: false);
        var (code, _, error) = await Clipbook.RunAsync("data", "emoji", "--packages", Packages, "--output", Output);
        Assert.True(code == ExitCode.Success, error);
        return EmojiData.Open(Output);
    }

    private async Task<string> FailAsync(int expected, string? packages = null)
    {
        var (code, _, error) = await Clipbook.RunAsync("data", "emoji", "--packages", packages ?? Packages, "--output", Output);
        Assert.Equal(expected, code);
        Assert.False(Directory.Exists(Output));
        Assert.Empty(Directory.GetDirectories(Path.GetDirectoryName(Output)!, "*.part"));
        return error;
    }
}
