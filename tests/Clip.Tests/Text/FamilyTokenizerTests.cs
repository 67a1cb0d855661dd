using System.Text.Json;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Core.Text.Cleaning;

namespace ClipNotebooks.Clip.Tests.Text;

/// <summary>
/// Reference: families/tokenizers, made by transformers 5.12.1 (tokenizers' Rust library) and open_clip, 144 texts each, on small
/// tokenizers of the kinds of SigLIP, SigLIP 2, XLM-RoBERTa and MetaCLIP 2.
/// </summary>
public sealed class FamilyTokenizerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tokenizer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>
    /// Family, the ids' key, the key of the rows, the model's type, whether OpenCLIP cleans before, and which files stand under which name.
    /// </summary>
    public static TheoryData<string, string, string, string?, TextCleaning?, string[]> Ways => new()
    {
        { "siglip", "siglip", "siglip_row", "siglip", null,
            ["spiece.model", "tokenizer_config.siglip_class.json>tokenizer_config.json", "tokenizer.json"] },
        { "siglip", "t5_fast", "", "siglip", null, ["tokenizer.json", "tokenizer_config.json"] },
        { "siglip", "fast_v4", "", "siglip", null, ["tokenizer.v4.json>tokenizer.json", "tokenizer_config.json"] },
        { "siglip", "", "open_clip_row", null, TextCleaning.Canonicalize, ["tokenizer.json", "tokenizer_config.json"] },
        { "siglip", "", "open_clip_row", null, TextCleaning.Canonicalize, ["tokenizer.v4.json>tokenizer.json", "tokenizer_config.json"] },
        { "siglip2", "siglip2", "siglip2_row", "siglip2", null, ["tokenizer.json", "tokenizer_config.json"] },
        { "siglip2", "siglip2", "siglip2_row", "siglip", null, ["tokenizer.json", "tokenizer_config.json"] },
        { "siglip2", "siglip2", "siglip2_row", "siglip2", null, ["tokenizer.siglip2_class.json>tokenizer.json", "tokenizer_config.json"] },
        { "siglip2", "gemma", "", null, null, ["tokenizer.json", "tokenizer_config.json"] },
        { "siglip2", "", "open_clip_row", null, TextCleaning.Canonicalize, ["tokenizer.json", "tokenizer_config.json"] },
        { "xlm_roberta", "transformers", "transformers_row", "altclip", null, ["tokenizer.json", "tokenizer_config.json"] },
        { "xlm_roberta", "", "open_clip_row", null, TextCleaning.Whitespace, ["tokenizer.json", "tokenizer_config.json"] },
        { "metaclip2", "transformers", "transformers_row", "metaclip_2", null, ["tokenizer.json", "tokenizer_config.json"] },
        { "metaclip2", "", "open_clip_row", null, TextCleaning.Whitespace, ["tokenizer.json", "tokenizer_config.json"] },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public void Ids_and_rows_of_a_family_equal_the_reference(string family, string ids, string row, string? type, TextCleaning? cleaning,
        string[] files)
    {
        var tokenizer = Load(family, files, type, cleaning);
        var wrong = new List<string>();
        foreach (var line in Lines(family))
        {
            string text = line.GetProperty("text").GetString()!;
            if (ids.Length > 0)
            {
                int[] start = tokenizer.StartOfTextId is { } first ? [first] : [];
                int[] expected = Ids(line, ids), actual = [.. start, .. tokenizer.Encode(text), tokenizer.EndOfTextId];
                if (!expected.SequenceEqual(actual))
                    wrong.Add($"{line.GetProperty("i")} {text}: {string.Join(' ', actual)} is not {string.Join(' ', expected)}");
            }
            if (row.Length > 0)
            {
                var batch = tokenizer.Tokenize([text], truncate: true, padding: Padding.ContextLength);
                if (!Ids(line, row).Select(id => (long)id).SequenceEqual(batch.Ids))
                    wrong.Add($"{line.GetProperty("i")} row: {string.Join(' ', batch.Ids)} is not {string.Join(' ', Ids(line, row))}");
            }
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} differ: {string.Join("\n", wrong.Take(12))}");
    }

    [Theory]
    [InlineData("siglip")]
    [InlineData("siglip2")]
    [InlineData("xlm_roberta")]
    [InlineData("metaclip2")]
    public void Open_clips_cleaning_equals_the_reference(string family)
    {
        var cleaning = family.StartsWith("siglip", StringComparison.Ordinal) ? TextCleaning.Canonicalize : TextCleaning.Whitespace;
        Assert.Empty(Lines(family).Where(line =>
            TextCleaner.Clean(line.GetProperty("text").GetString()!, cleaning) != line.GetProperty("open_clip_clean").GetString())
            .Select(line => line.GetProperty("i").GetInt32()));
    }

    private ITokenizer Load(string family, string[] files, string? type = null, TextCleaning? cleaning = null)
    {
        foreach (string file in files)
        {
            string[] names = file.Split('>');
            File.Copy(Repository.Reference("families", "tokenizers", family, names[0]), Path.Combine(_folder, names[^1]), overwrite: true);
        }
        return TokenizerFolder.Load(_folder,
            new TokenizerOptions { ContextLength = family.StartsWith("siglip", StringComparison.Ordinal) ? 64 : 77, ModelType = type,
            Cleaning = cleaning });
    }

    private static int[] Ids(JsonElement line, string key) => [.. line.GetProperty(key).EnumerateArray().Select(id => id.GetInt32())];

    private static List<JsonElement> Lines(string family) =>
        [.. File.ReadLines(Repository.Reference("families", "tokenizers", family, "ids.jsonl")).Select(line =>
            JsonDocument.Parse(line).RootElement)];
}
