using System.Text.Json;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Core.Text.Cleaning;

namespace ClipNotebooks.Clip.Tests.Text;

/// <summary>Reference: tokens.jsonl and decode.jsonl, made by openai/CLIP's simple_tokenizer with ftfy 6.3.1 and regex 2025.9.18.</summary>
public sealed class ReferenceTokenTests
{
    private static readonly List<JsonElement> Lines = Read("tokens.jsonl");

    [Fact]
    public void Cleaning_equals_the_reference()
    {
        var wrong = Lines.Where(line => TextCleaner.Clean(Text(line)) != line.GetProperty("clean").GetString())
            .Select(line => line.GetProperty("i").GetInt32());
        Assert.Empty(wrong);
    }

    [Fact]
    public void Ids_equal_the_reference()
    {
        var tokenizer = ClipTokenizer.Load(Repository.ClipVocabulary());
        var wrong = Lines.Where(line => !tokenizer.Encode(Text(line)).SequenceEqual(Ids(line, "ids")))
            .Select(line => line.GetProperty("i").GetInt32());
        Assert.Empty(wrong);
    }

    [Fact]
    public void A_caption_that_is_too_long_is_cut_and_still_ends_with_the_end_token()
    {
        var tokenizer = ClipTokenizer.Load(Repository.ClipVocabulary());
        foreach (var line in Lines.Where(line => !line.GetProperty("fits_77").GetBoolean()))
        {
            Assert.Throws<ArgumentException>(() => tokenizer.Tokenize([Text(line)]));
            var row = tokenizer.Tokenize([Text(line)], truncate: true);
            Assert.Equal(Ids(line, "truncated_row").Select(id => (long)id), row.Ids);
            Assert.Equal(76, row.EndOfTextPositions[0]);
        }
    }

    [Fact]
    public void Decoding_equals_the_reference()
    {
        var tokenizer = ClipTokenizer.Load(Repository.ClipVocabulary());
        foreach (var line in Lines.Concat(Read("decode.jsonl")))
            Assert.Equal(line.GetProperty("decoded").GetString(), tokenizer.Decode(Ids(line, "ids")));
    }

    [Fact]
    public void Merges_shown_step_by_step_end_in_the_same_ids()
    {
        var tokenizer = ClipTokenizer.Load(Repository.ClipVocabulary());
        foreach (var line in Lines.Where(line => line.GetProperty("category").GetString() is "plain" or "caption" or "scripts" or "emoji"))
            Assert.Equal(tokenizer.Encode(Text(line)), tokenizer.Explain(Text(line)).SelectMany(piece => piece.Ids));
    }

    private static string Text(JsonElement line) => line.GetProperty("text").GetString()!;

    private static int[] Ids(JsonElement line, string key) => [.. line.GetProperty(key).EnumerateArray().Select(id => id.GetInt32())];

    private static List<JsonElement> Read(string file) =>
        [.. File.ReadLines(Repository.Reference("text", file)).Select(line => JsonDocument.Parse(line).RootElement)];
}
