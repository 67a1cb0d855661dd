using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Tests.Inference;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Evaluation;

public sealed class DatasetTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("datasets").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    [Fact]
    public void Folders_are_classes_and_everything_below_them_is_theirs()
    {
        foreach (string name in new[] { "polar_bear/1.PNG", "polar_bear/more/2.jpeg", "ant/3.png", "ant/notes.txt", ".git/4.png" }) Write(
            name, "");
        var dataset = ImageFolderDataset.Open(_folder);
        Assert.Equal(["ant", "polar bear"], dataset.ClassNames);
        Assert.Equal(["3.png", "1.PNG", "2.jpeg"], dataset.Files.Select(Path.GetFileName));
        Assert.Equal([0, 1, 1], dataset.Labels);
    }

    [Fact]
    public void A_folder_that_is_no_dataset_is_refused_with_its_name()
    {
        Assert.Contains("holds no folder", Assert.Throws<InvalidDataException>(() => ImageFolderDataset.Open(_folder)).Message);
        string empty = Path.GetDirectoryName(Write("cat/notes.txt", ""))!;
        Assert.Contains(empty, Assert.Throws<InvalidDataException>(() => ImageFolderDataset.Open(_folder)).Message);
        Write("cat/1.png", "");
        Write("a_b/1.png", "");
        Write("a b/1.png", "");
        Assert.Contains("\"a b\"", Assert.Throws<InvalidDataException>(() => ImageFolderDataset.Open(_folder)).Message);
        Assert.Throws<DirectoryNotFoundException>(() => ImageFolderDataset.Open(Path.Combine(_folder, "nowhere")));
    }

    [Theory]
    [InlineData("c.json", """{"b.png": ["one", "two, \"or\" three"], "a.png": "four"}""")]
    [InlineData("c.csv", "\uFEFFkey,Image,caption\r\n1,b.png,one\r\n\r\n2,a.png,four\r\n3,b.png,\"two, \"\"or\"\" three\"")]
    [InlineData("c.tsv", "filepath\ttitle\nb.png\tone\nb.png\ttwo, \"or\" three\na.png\tfour\n")]
    public void Captions_are_read_from_each_form(string name, string text)
    {
        var dataset = CaptionDataset.Open(Write(name, text));
        Assert.Equal([Path.Combine(_folder, "b.png"), Path.Combine(_folder, "a.png")], dataset.Files);
        Assert.Equal(["one", "two, \"or\" three", "four"], dataset.Captions);
        Assert.Equal([0, 0, 1], dataset.ImageOf);
        Assert.Equal("/elsewhere/b.png", CaptionDataset.Open(Path.Combine(_folder, name), "/elsewhere").Files[0].Replace('\\', '/')[^16..]);
    }

    [Fact]
    public void A_quoted_field_keeps_its_lines() =>
        Assert.Equal(["one\r\ntwo", "three"], CaptionDataset.Open(
            Write("c.csv", "image,text\r\na.png,\"one\r\ntwo\"\r\na.png,\"three\"\r\n")).Captions);

    [Theory]
    [InlineData("c.txt", "", "not from \".txt\"")]
    [InlineData("c.json", "[1]", "the file is not of the form")]
    [InlineData("c.json", "{\"a.png\": [1]}", "\"a.png\" is not of the form")]
    [InlineData("c.json", "{\n\"a.png\": ", "line 2: this is not JSON")]
    [InlineData("c.json", "{\"a.png\": [\" \"]}", "\"a.png\": the caption is empty")]
    [InlineData("c.json", "{}", "holds no caption")]
    [InlineData("c.json", " \n", "holds no caption")]
    [InlineData("c.csv", "image,words\na.png,x", "names no column for the caption")]
    [InlineData("c.csv", "image,text\n\na.png,x,y", "line 3: 3 columns where the header has 2")]
    [InlineData("c.csv", "image,text\na.png,\"x\n\n", "line 2: a quotation mark is not closed")]
    [InlineData("c.csv", "image,text\n,x", "line 2: the image's name is empty")]
    public void A_file_that_cannot_be_meant_is_refused_with_the_place(string name, string text, string message)
    {
        string problem = Assert.Throws<InvalidDataException>(() => CaptionDataset.Open(Write(name, text))).Message;
        Assert.Contains(name, problem);
        Assert.Contains(message, problem);
    }

    [Fact]
    public void Images_that_cannot_be_read_are_named_and_the_others_measured()
    {
        using var encoder = RandomClip.Create();
        string broken = Write("a/broken.png", "none");
        RasterImage.FromRgb(3, 2, new byte[18]).SavePng(Path.Combine(_folder, "a", "good.png"));
        RasterImage.FromRgb(2, 3, [.. Enumerable.Repeat((byte)200, 18)]).SavePng(Path.Combine(_folder, "good.png"));
        Directory.CreateDirectory(Path.Combine(_folder, "b"));
        File.Copy(Path.Combine(_folder, "good.png"), Path.Combine(_folder, "b", "1.png"));
        var (report, unreadable) = ImageFolderDataset.Open(_folder).Evaluate(encoder, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(2, report.Count);
        Assert.Equal(broken, Assert.Single(unreadable).Path);

        string captions = Write(
            "captions.json", """{"a/broken.png": ["lost", "lost too"], "a/good.png": ["dark"], "b/1.png": ["bright", "light"]}""");
        var (retrieval, left) = CaptionDataset.Open(captions).Evaluate(encoder, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal((2, 3), (retrieval.Images, retrieval.Captions));
        Assert.Equal(1, retrieval.At[1].ImageToTextRecall); // five of three
        Assert.Contains(broken, Assert.Single(left).Problem);
        Assert.Throws<InvalidDataException>(() => CaptionDataset.Open(Write("none.json", """{"a/broken.png": "lost"}"""))
            .Evaluate(encoder, cancellation: TestContext.Current.CancellationToken));
        Assert.Throws<OperationCanceledException>(() =>
            CaptionDataset.Open(captions).Evaluate(encoder, cancellation: new CancellationToken(true)));
    }

    [Fact]
    public void Files_are_embedded_as_images_are_whatever_the_batches()
    {
        using var encoder = RandomClip.Create();
        using var scope = NewDisposeScope();
        var random = new Random(1);
        var images = Enumerable.Range(0, 5).Select(
            _ => { var bytes = new byte[3 * 20 * 30]; random.NextBytes(bytes); return RasterImage.FromRgb(20, 30, bytes); }).ToList();
        string[] files = [.. images.Select((image, i) =>
            { string path = Path.Combine(_folder, $"{i}.png"); image.SavePng(path); return path; })];
        var batches = ImageFiles.Prepare(files, encoder.Processor.Transform, batchSize: 2, TestContext.Current.CancellationToken).ToList();
        Assert.Equal([2, 2, 1], batches.Select(batch => batch.Count));
        Assert.Equal(files, batches.SelectMany(batch => batch).Select(image => image.Path));
        var together = cat([.. batches.Select(batch => encoder.Encode(batch)!)], 0);
        // Products are summed in another order when a batch has another size.
        Assert.True((together - encoder.EncodeImages(images)).abs().max().ToSingle() < 1e-5f);
    }

    [Fact]
    public void Hit_rate_and_recall_are_told_apart()
    {
        using var scope = NewDisposeScope();
        // Image 0 has the captions 0 and 1, image 1 has 2. Image 0's nearest is its own 0; image 1's nearest is 0; caption 1 is nearer to
        // image 1.
        var report = RetrievalReport.Measure(tensor(new[,] { { 0.9f, 0.1f, 0.2f }, { 0.8f, 0.3f, 0.7f } }), [0, 0, 1]);
        Assert.Equal(new RetrievalAt(1, 0.5, 0.25, 2 / 3.0, 2 / 3.0), report.At[0]);
        Assert.Equal(new RetrievalAt(5, 1, 1, 1, 1), report.At[1]);
        Assert.Throws<ArgumentException>(() => RetrievalReport.Measure(zeros(2, 2), [0, 2]));
        Assert.Throws<ArgumentException>(() => RetrievalReport.Measure(zeros(2, 3), [0, 1]));
    }
}
