using System.Text;
using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;

namespace ClipNotebooks.Clip.Tests.Text;

/// <summary>What a person's text files may be, and what is said of the others.</summary>
public sealed class TextFileTests : IDisposable
{
    private const string Words = "cat\ncafé\n日本 🙂\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("texts").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Case(string folder, string name) => Repository.Reference("cases", folder, name);

    private string Write(string name, params byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static string Refused(Action read, string path)
    {
        string message = Assert.Throws<InvalidDataException>(read).Message;
        Assert.Contains(path, message, StringComparison.Ordinal);
        return message;
    }

    [Fact]
    public void UTF_8_with_and_without_a_mark_and_UTF_16_with_one_are_read()
    {
        Encoding[] read =
            [new UTF8Encoding(false), new UTF8Encoding(true), new UnicodeEncoding(false, true), new UnicodeEncoding(true, true)];
        foreach (var encoding in read)
        {
            string path = Write("words.txt", [.. encoding.GetPreamble(), .. encoding.GetBytes(Words)]);
            Assert.Equal(Words, TextFile.Read(path));
            Assert.Equal(["cat", "café", "日本 🙂"], TextFile.ReadLines(path));
        }
        Assert.Empty(TextFile.ReadLines(Write("empty.txt")));
        Assert.Empty(TextFile.ReadLines(Write("mark.txt", 0xEF, 0xBB, 0xBF)));
    }

    [Theory]
    [InlineData("a\nb\n")]
    [InlineData("a\rb\r")]
    [InlineData("a\r\nb\r\n")]
    [InlineData("a\rb")]
    [InlineData("a\r\nb")]
    public void Any_line_end_ends_a_line(string text) =>
        Assert.Equal(["a", "b"], TextFile.ReadLines(Write("lines.txt", Encoding.UTF8.GetBytes(text))));

    [Fact]
    public void Empty_lines_count() => Assert.Equal(["", "a", "", "b"], TextFile.ReadLines(Write("lines.txt", "\r\na\r\rb\n"u8.ToArray())));

    [Theory]
    [InlineData("a\nb\ncaf\u00E9\n", 3)]
    [InlineData("a\r\ncaf\u00E9", 2)]
    [InlineData("a\rb\rc\r\u00E9", 4)]
    public void Another_encoding_is_refused_with_its_line(string text, int line)
    {
        string path = Write("labels.txt", Encoding.Latin1.GetBytes(text)), message = Refused(() => TextFile.Read(path), path);
        string said = $"line {line}: this is not UTF-8: the bytes E9 are no character here. Save the file as UTF-8.";
        Assert.Contains(said, message, StringComparison.Ordinal);
    }

    [Fact]
    public void UTF_16_without_a_mark_and_what_is_no_text_are_told_by_their_NULs()
    {
        Encoding[] others =
        [
            new UnicodeEncoding(false, false), new UnicodeEncoding(true, false),
            new UTF32Encoding(false, true), new UTF32Encoding(true, true),
        ];
        foreach (var encoding in others)
        {
            foreach (string text in new[] { "cat\ndog\n", "café\n", "cat ü" })
            {
                string path = Write("labels.txt", [.. encoding.GetPreamble(), .. encoding.GetBytes(text)]);
                string message = Refused(() => TextFile.Read(path), path);
                Assert.Contains("line 1: this is not UTF-8", message, StringComparison.Ordinal);
                Assert.Contains("NUL", message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void UTF_16_that_breaks_off_or_has_half_a_character_is_refused()
    {
        foreach (byte[] end in new byte[][] { [0x61], [0x3D, 0xD8], [0x42, 0xDE, 0x61, 0] })
        {
            string path = Write("labels.txt", [0xFF, 0xFE, 0x61, 0, 0x0A, 0, .. end]);
            string message = Refused(() => TextFile.Read(path), path);
            Assert.Contains("line 2: this is not the UTF-16 that its first bytes say", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Surrogates_that_were_encoded_one_by_one_are_not_UTF_8()
    {
        string path = Write("labels.txt", 0x61, 0x0A, 0xED, 0xA0, 0xBD, 0xED, 0xB9, 0x82);
        Assert.Contains("line 2: this is not UTF-8", Refused(() => TextFile.Read(path), path), StringComparison.Ordinal);
    }

    /// <summary>Every reader of a person's text goes through the one.</summary>
    [Fact]
    public void Captions_templates_and_vocabularies_that_are_not_UTF_8_are_refused_by_name_and_line()
    {
        byte[] latin = Encoding.Latin1.GetBytes("{}\n{\"a.png\": \"caf\u00E9 {}\"}");
        foreach (string name in new[] { "c.json", "c.csv", "c.tsv" })
        {
            string path = Write(name, latin);
            Assert.Contains("line 2: this is not UTF-8", Refused(() => CaptionDataset.Open(path), path), StringComparison.Ordinal);
        }
        string templates = Write("templates.txt", latin);
        Assert.Contains("line 2: this is not UTF-8", Refused(() => PromptTemplates.Load(templates), templates), StringComparison.Ordinal);
        foreach (string damaged in new[] { "vocab.json", "merges.txt", "added_tokens.json" })
        {
            foreach (string name in new[] { "vocab.json", "merges.txt" })
                File.Copy(Path.Combine(Repository.Root, "data", "models", "tiny-clip", name), Path.Combine(_folder, name), overwrite: true);
            string path = Write(damaged, latin);
            Assert.Contains("line 2: this is not UTF-8", Refused(() => ClipTokenizer.Load(_folder), path), StringComparison.Ordinal);
            File.Delete(path);
        }
        string latinCsv = Case("08-not-utf8-text", "captions-latin1.csv");
        Assert.Contains("line 2: this is not UTF-8", Refused(() => CaptionDataset.Open(latinCsv), latinCsv), StringComparison.Ordinal);
    }

    [Fact]
    public void Marks_and_UTF_16_make_no_difference_to_captions_and_templates()
    {
        foreach (var encoding in new Encoding[] { new UTF8Encoding(true), new UnicodeEncoding(false, true) })
        {
            byte[] Of(string text) => [.. encoding.GetPreamble(), .. encoding.GetBytes(text)];
            Assert.Equal(["un café"], CaptionDataset.Open(Write("c.json", Of("{\"a.png\": \"un café\"}"))).Captions);
            Assert.Equal(["un café"], CaptionDataset.Open(Write("c.csv", Of("filepath,caption\na.png,un café\n"))).Captions);
            Assert.Equal(["un café {}"], PromptTemplates.Load(Write("t.txt", Of("un café {}\n"))));
        }
    }

    [Fact]
    public void Captions_whose_lines_end_in_a_carriage_return_are_read()
    {
        var captions = CaptionDataset.Open(Case("18-csv-carriage-return", "captions.csv"));
        Assert.Equal(["a cat", "a dog"], captions.Captions);
        var quoted = CaptionDataset.Open(Write("c.csv", "image,text\r\"a.png\",\"two\rlines\"\rb.png,a \"b\"\r"u8.ToArray()));
        Assert.Equal(["two\rlines", "a \"b\""], quoted.Captions);
        string path = Write("d.csv", "image,text\ra.png,\"two\rlines\"\rb.png\r"u8.ToArray());
        string message = Refused(() => CaptionDataset.Open(path), path);
        Assert.Contains("line 4: 1 columns where the header has 2", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_is_quoted_in_part_and_half_a_character_in_JSON_is_refused()
    {
        string path = Write("c.csv", Encoding.UTF8.GetBytes(new string('x', 100_000)));
        Assert.InRange(Refused(() => CaptionDataset.Open(path), path).Length, 200, 600);
        string json = Write("c.json", "{\"a.png\": \"\\ud83d\"}"u8.ToArray());
        Assert.Contains("half a character", Refused(() => CaptionDataset.Open(json), json), StringComparison.Ordinal);
    }
}
