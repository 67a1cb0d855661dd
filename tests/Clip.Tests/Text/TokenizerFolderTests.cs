using System.Text.Json.Nodes;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Core.Text.Pipeline;

namespace ClipNotebooks.Clip.Tests.Text;

public sealed class TokenizerFolderTests : IDisposable
{
    private const string Bytes = """
        { "added_tokens": [{ "id": 9, "content": "<mask>", "lstrip": true, "normalized": false, "special": true }],
          "normalizer": { "type": "Sequence", "normalizers": [{ "type": "NFC" }, { "type": "Prepend", "prepend": "" }] },
          "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
          "post_processor": { "type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": true,
              "add_prefix_space": false },
          "decoder": { "type": "ByteLevel" },
          "model": { "type": "BPE", "vocab": { "<s>": 0, "<pad>": 1, "</s>": 2, "a": 3, "Ġ": 4, "Ġa": 5, "c": 6, "t": 7, "at": 8,
              "cat": 10, "Ġcat": 11, "ð": 12, "Ł": 13, "ĺ": 14, "Ģ": 15 },
                     "merges": ["Ġ a", "a t", "c at", "Ġ cat"] } }
        """;

    private const string Words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\ncat\n##s\nphoto\n一\n只\n猫\n.\ncafe\nun\n##aff\n##able\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("tokenizers").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>"first" means the beginning of the text, not that of each piece of an earlier splitter.</summary>
    [Fact]
    public void A_sign_that_is_put_first_stands_before_the_text_s_first_word_alone()
    {
        Write("splitter.json", """
            { "type": "Sequence", "pretokenizers": [{ "type": "WhitespaceSplit" }, { "type": "Metaspace", "prepend_scheme": "first" }] }
            """);
        var split = JsonSection.Load(Path.Combine(_folder, "splitter.json"), TextSplitters.Read);
        Assert.Equal(["▁the", "cat", "sat"], split("the cat sat", true));
        Assert.Equal(["the", "cat"], split("the cat", false));
    }

    [Fact]
    public void ChineseCLIPs_vocabulary_alone_makes_BERTs_tokenizer()
    {
        Write("vocab.txt", Words);
        var tokenizer = Load("chinese_clip");
        Assert.Equal((2, 3, 0), (tokenizer.StartOfTextId, tokenizer.EndOfTextId, tokenizer.PaddingId));
        Assert.Equal([9, 10, 11], tokenizer.Encode("一只猫"));
        Assert.Equal([5, 6, 7, 12], tokenizer.Encode("A\tCats."));
        Assert.Equal([13, 1, 14, 15, 16], tokenizer.Encode("Café dog unaffable"));
        Assert.Equal([6, 4, 6], tokenizer.Encode("cat[MASK]cat"));
        Assert.Equal("a cats", tokenizer.Decode([5, 6, 7]));
        Assert.Equal([2L, 5, 6, 3], tokenizer.Tokenize(["a cat"]).Ids);
    }

    [Fact]
    public void A_word_longer_than_a_hundred_characters_is_unknown_as_a_whole()
    {
        Write("vocab.txt", Words + string.Concat(Enumerable.Repeat("##a\n", 1)));
        var tokenizer = Load();
        Assert.Equal(100, tokenizer.Encode(new string('a', 100)).Length);
        Assert.Equal([1], tokenizer.Encode(new string('a', 101)));
    }

    [Fact]
    public void A_word_has_no_longest_length_where_the_file_gives_the_largest_number()
    {
        Write("tokenizer.json", """
            { "model": { "type": "WordPiece", "unk_token": "[UNK]", "max_input_chars_per_word": 2147483647,
                "vocab": { "[UNK]": 0, "cat": 1 } } }
            """);
        Assert.Equal([1], Load().Encode("cat"));
    }

    /// <summary>
    /// \w is every letter, mark, decimal digit and connector, and what else is alphabetic: as in Rust's regex, by which tokenizers splits
    /// at white space, and in Oniguruma, by which it runs a file's patterns. .NET's lacks spacing marks, letter-like numbers and more.
    /// </summary>
    [Theory]
    [InlineData(null)]
    [InlineData(@"\w+|[^\w\s]+")]
    [InlineData(@"[\w]+|(?:(?!\s)\W)+")]
    [InlineData(@"\b\w+\b|[^\w\s]+")]
    public void A_word_keeps_its_spacing_marks_and_whatever_else_is_alphabetic(string? pattern)
    {
        string splitter = pattern is null ? """{ "type": "Whitespace" }""" : $$"""
            { "type": "Split", "pattern": { "Regex": {{JsonValue.Create(pattern).ToJsonString()}} }, "behavior": "Removed", "invert": true }
            """;
        Write("tokenizer.json", $$"""
            { "pre_tokenizer": {{splitter}},
              "model": { "type": "WordPiece", "unk_token": "?", "vocab": { "?": 0, "काम": 1, "Ⅷ": 2, "aⓑ": 3, "🄰c": 4, "!": 5 } } }
            """);
        Assert.Equal(["काम", "Ⅷ", "aⓑ", "!", "🄰c"], Load().Explain("काम Ⅷ aⓑ! 🄰c").Select(piece => piece.Piece));
    }

    [Fact]
    public void A_pattern_whose_class_holds_all_that_is_no_word_is_refused()
    {
        Write("tokenizer.json", """
            { "pre_tokenizer": { "type": "Split", "pattern": { "Regex": "[\\Wx]+" }, "behavior": "Isolated" },
              "model": { "type": "WordPiece", "unk_token": "?", "vocab": { "?": 0 } } }
            """);
        Assert.Contains("\\W within brackets", Assert.Throws<NotSupportedException>(() => Load()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RoBERTas_byte_pairs_keep_the_space_before_a_word_and_join_what_was_learnt_first()
    {
        Write("tokenizer.json", Bytes);
        var tokenizer = Load();
        Assert.Equal([10, 11, 5], tokenizer.Encode("cat cat a"));
        Assert.Equal([12, 13, 14, 15], tokenizer.Encode("😀"));
        Assert.Equal([10, 9, 11], tokenizer.Encode("cat <mask> cat"));
        Assert.Equal("cat cat", tokenizer.Decode([10, 11]));
        Assert.Equal([0L, 10, 2, 1, 0, 10, 11, 2], tokenizer.Tokenize(["cat", "cat cat"]).Ids);
        Assert.Equal([1L, 1, 1, 0, 1, 1, 1, 1], tokenizer.Tokenize(["cat", "cat cat"]).AttentionMask());
        Assert.Equal(["cat", "Ġcat"], tokenizer.Explain("cat cat").Select(piece => piece.Piece));
    }

    [Theory]
    [InlineData("normalizer", "{ \"type\": \"Nmt\" }", "\"normalizer.type\" is \"Nmt\"")]
    [InlineData("pre_tokenizer", "{ \"type\": \"Sequence\", \"pretokenizers\": [{ \"type\": \"UnicodeScripts\" }] }",
        "\"pre_tokenizer.pretokenizers[0].type\" is \"UnicodeScripts\"")]
    [InlineData("pre_tokenizer", "{ \"type\": \"Metaspace\", \"speed\": 3 }", "\"pre_tokenizer.speed\" is 3")]
    [InlineData("post_processor", "{ \"type\": \"Other\" }", "\"post_processor.type\" is \"Other\"")]
    [InlineData("decoder", "{ \"type\": \"CTC\" }", "\"decoder.type\" is \"CTC\"")]
    [InlineData("model", "{ \"type\": \"WordLevel\" }", "\"model.type\" is \"WordLevel\"")]
    [InlineData("extra", "1", "\"extra\" is 1")]
    public void What_is_not_understood_is_refused_by_its_key(string key, string value, string message)
    {
        var json = JsonNode.Parse(Bytes)!.AsObject();
        json[key] = JsonNode.Parse(value);
        Write("tokenizer.json", json.ToJsonString());
        Assert.Contains(message, Assert.Throws<NotSupportedException>(() => Load()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_tokenizer_and_rows_filled_on_the_left_are_refused()
    {
        Assert.Contains("tokenizer.json", Assert.Throws<FileNotFoundException>(() => Load()).Message, StringComparison.Ordinal);
        Write("tokenizer_config.json", """{ "tokenizer_class": "SiglipTokenizer" }""");
        Assert.Contains("spiece.model", Assert.Throws<FileNotFoundException>(() => Load()).Message, StringComparison.Ordinal);
        Write("tokenizer.json", Bytes);
        Write("tokenizer_config.json", """{ "padding_side": "left" }""");
        Assert.Contains("\"padding_side\" is \"left\"", Assert.Throws<NotSupportedException>(() => Load()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_longest_row_is_the_models_or_the_tokenizers_whichever_is_shorter()
    {
        Write("tokenizer.json", Bytes);
        Write("tokenizer_config.json", """{ "model_max_length": 12 }""");
        Assert.Equal(12, Load(contextLength: 512).ContextLength);
        Assert.Equal(7, Load(contextLength: 7).ContextLength);
        Write("tokenizer_config.json", """{ "model_max_length": 1000000000000000019884624838656 }""");
        Assert.Equal(512, Load(contextLength: 512).ContextLength);
    }

    [Fact]
    public void A_processor_chooses_by_the_layout_and_the_kind_of_model()
    {
        Copy("siglip", "spiece.model", "tokenizer.json", "tokenizer_config.siglip_class.json>tokenizer_config.json");
        Write("config.json", """{ "model_type": "siglip" }""");
        Write("preprocessor_config.json", """
            { "size": { "height": 224, "width": 224 }, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 3 }
            """);
        int[] canonical = [3, 9, 4, 3, 38];
        var processor = ClipProcessor.FromPretrained(_folder, 64);
        Assert.Equal(canonical, processor.Tokenizer.Encode("A Photo Of A Cat."));

        File.Delete(Path.Combine(_folder, "preprocessor_config.json"));
        WriteOpenClip("""{ "hf_tokenizer_name": "timm/ViT-B-16-SigLIP", "tokenizer_kwargs": { "clean": "canonicalize" } }""");
        Copy("siglip", "tokenizer_config.json");
        Assert.Equal(canonical, ClipProcessor.FromPretrained(_folder, 64).Tokenizer.Encode("A_Photo &amp;lt; Of a cat!"));

        // CLIPA's: the token at the end becomes 0, whatever the padding is (open_clip's HFTokenizer: torch.zeros_like).
        Copy("xlm_roberta", "tokenizer.json", "tokenizer_config.json");
        WriteOpenClip("""{ "hf_tokenizer_name": "xlm-roberta-base", "tokenizer_kwargs": { "strip_sep_token": true } }""");
        var stripped = ClipProcessor.FromPretrained(_folder).Tokenizer.Tokenize(["a cat"]);
        Assert.Equal([0L, 4, 39, 0], stripped.Ids);

        WriteOpenClip("""{ "hf_tokenizer_name": "x", "tokenizer_kwargs": { "clean": "shiny" } }""");
        Assert.Contains("text_cfg.tokenizer_kwargs.clean\" is \"shiny\"",
            Assert.Throws<CheckpointException>(() => ClipProcessor.FromPretrained(_folder)).Message, StringComparison.Ordinal);
        WriteOpenClip("""{ "hf_tokenizer_name": "x", "tokenizer_mode": "clips" }""");
        Assert.Contains("text_cfg.tokenizer_mode\"",
            Assert.Throws<CheckpointException>(() => ClipProcessor.FromPretrained(_folder)).Message, StringComparison.Ordinal);
    }

    /// <summary>Twenty times what it takes here, and far less than time that grows with the square would.</summary>
    [Theory]
    [InlineData("siglip", "siglip")]
    [InlineData("siglip2", "siglip2")]
    [InlineData("xlm_roberta", "altclip")]
    public void Time_grows_with_the_text_alone(string family, string type)
    {
        Copy(family, Directory.GetFiles(Repository.Reference("families", "tokenizers", family)).Select(path =>
            Path.GetFileName(path)!).Where(name => name is "tokenizer.json" or "tokenizer_config.json" or "spiece.model").ToArray());
        if (type == "siglip") File.Delete(Path.Combine(_folder, "tokenizer_config.json"));
        var tokenizer = Load(type);
        foreach (string piece in new[] { "a", "a photo of a cat ", "고양이", "<mask> ", "e\u0301", "😀" })
        {
            string text = string.Concat(Enumerable.Repeat(piece, 200_000 / piece.Length));
            var watch = System.Diagnostics.Stopwatch.StartNew();
            Assert.NotEmpty(tokenizer.Encode(text));
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20),
                $"{text.Length} characters of \"{piece}\" took {watch.Elapsed.TotalSeconds:F1} s.");
        }
    }

    [Theory]
    [InlineData("tokenizer.json", "bytes")]
    [InlineData("tokenizer.json", "siglip2")]
    [InlineData("tokenizer.json", "xlm_roberta")]
    [InlineData("spiece.model", "siglip")]
    [InlineData("vocab.txt", "words")]
    [InlineData("tokenizer_config.json", "siglip")]
    public void A_mutated_file_of_a_tokenizer_is_read_or_refused(string name, string family)
    {
        if (family == "bytes") Write(name, Bytes);
        else if (family == "words") Write(name, Words);
        else if (family == "siglip") Copy(family, "spiece.model", "tokenizer_config.siglip_class.json>tokenizer_config.json");
        else Copy(family, name);
        string path = Path.Combine(_folder, name);
        byte[] sound = File.ReadAllBytes(path);
        // What is not the table of replacements is the small part that the reader has to understand.
        int table = sound.AsSpan().IndexOf("charsmap"u8);
        Fuzz.Run(60, 4_000, path, random => Mutation.Of(random, sound, random.Next(2) == 0 && table > 0 ? table : int.MaxValue), () =>
        {
            var tokenizer = Load("siglip", 64);
            var batch = tokenizer.Tokenize(["a photo of a cat", "Ünï 고양이 <mask> 😀</s>"], truncate: true);
            Assert.All(batch.Ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
            Assert.NotNull(tokenizer.Decode([0]));
        }, exception => exception is InvalidDataException or NotSupportedException or FileNotFoundException);
    }

    private ITokenizer Load(string? type = null, int contextLength = 77) =>
        TokenizerFolder.Load(_folder, new TokenizerOptions { ContextLength = contextLength, ModelType = type });

    private void WriteOpenClip(string text) => Write("open_clip_config.json",
        $$"""
        { "model_cfg": { "embed_dim": 8, "text_cfg": {{text}} },
          "preprocess_cfg":
            { "size": 32, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic", "resize_mode": "squash" } }
        """);

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);

    private void Copy(string family, params string[] files)
    {
        foreach (string[] names in files.Select(file => file.Split('>')))
            File.Copy(Repository.Reference("families", "tokenizers", family, names[0]), Path.Combine(_folder, names[^1]), overwrite: true);
    }

    [Theory]
    [InlineData("""{ "type": "Whitespace" }""", "ab, c", "ab|,|c")]
    [InlineData("""{ "type": "Punctuation" }""", "a,!b", "a|,|!|b")]
    [InlineData("""{ "type": "Punctuation", "behavior": "Contiguous" }""", "a,!b", "a|,!|b")]
    [InlineData("""{ "type": "Digits" }""", "a12b", "a|12|b")]
    [InlineData("""{ "type": "Digits", "individual_digits": true }""", "a12b", "a|1|2|b")]
    [InlineData("""{ "type": "Split", "pattern": { "String": "-" }, "behavior": "MergedWithNext" }""", "a-b--c", "a|-b|-|-c")]
    [InlineData("""{ "type": "Split", "pattern": { "String": "-" }, "behavior": "MergedWithPrevious" }""", "a-b--c", "a-|b-|-|c")]
    [InlineData("""{ "type": "Split", "pattern": { "Regex": "[a-z]+" }, "behavior": "Removed", "invert": true }""", "ab12c", "ab|c")]
    public void A_text_is_cut_as_the_file_says(string splitter, string text, string pieces)
    {
        Write("tokenizer.json", $$"""
            { "pre_tokenizer": {{splitter}}, "model": { "type": "BPE", "unk_token": "?", "vocab": { "?": 0 }, "merges": [] } }
            """);
        Assert.Equal(pieces, string.Join('|', Load().Explain(text).Select(piece => piece.Piece)));
    }

    [Theory]
    [InlineData("""{ "type": "ByteFallback" }""", "<0xE2> <0x82> <0xAC> a <0xE3> <0x83>", "€a\uFFFD\uFFFD")]
    [InlineData("""{ "type": "Metaspace" }""", "▁a b ▁c", "ab c")]
    [InlineData("""{ "type": "Strip", "content": "_", "start": 1, "stop": 1 }""", "__a__", "_a_")]
    [InlineData("""{ "type": "BPEDecoder" }""", "a b</w> c</w>", "ab c")]
    public void Tokens_are_put_together_as_the_file_says(string decoder, string tokens, string text)
    {
        var vocabulary = new JsonObject();
        foreach (var (id, token) in tokens.Split(' ').Index()) vocabulary[token] = id;
        Write("tokenizer.json", new JsonObject
        {
            ["decoder"] = JsonNode.Parse(decoder),
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary, ["merges"] = new JsonArray() },
        }.ToJsonString());
        Assert.Equal(text, Load().Decode(Enumerable.Range(0, vocabulary.Count)));
    }

    [Fact]
    public void An_added_word_is_found_only_by_itself()
    {
        Write("tokenizer.json", Bytes.Replace("""
            "content": "<mask>", "lstrip": true
            """.Trim(), "\"content\": \"cat\", \"single_word\": true", StringComparison.Ordinal));
        Assert.Equal([10, 11, 4, 9], Load().Encode("scat cats cat"));
    }

    [Theory]
    [InlineData("""
        "end_of_word_suffix": "</w>", "vocab": { "?": 0, "a": 1, "b</w>": 2, "ab</w>": 3, "a</w>": 4 }, "merges": ["a b</w>"]
        """, "ab a xx", new[] { 3, 4, 0, 0 })]
    [InlineData("""
        "continuing_subword_prefix": "##", "vocab": { "?": 0, "a": 1, "##b": 2, "ab": 3 }, "merges": ["a ##b"]
        """, "ab", new[] { 3 })]
    [InlineData("""
        "ignore_merges": true, "vocab": { "?": 0, "a": 1, "b": 2, "ab": 3 }, "merges": []
        """, "ab ba", new[] { 3, 2, 1 })]
    [InlineData("""
        "fuse_unk": true, "vocab": { "?": 0, "a": 1 }, "merges": []
        """, "axx", new[] { 1, 0 })]
    public void The_options_of_byte_pairs_are_heeded(string options, string text, int[] ids)
    {
        Write("tokenizer.json", $$"""
            { "pre_tokenizer": { "type": "WhitespaceSplit" }, "model": { "type": "BPE", "unk_token": "?", {{options}} } }
            """);
        Assert.Equal(ids, Load().Encode(text));
    }
}
