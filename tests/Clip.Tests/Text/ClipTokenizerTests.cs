using ClipNotebooks.Core.Text;

namespace ClipNotebooks.Clip.Tests.Text;

/// <summary>The tokenizer's own behaviour, on a small vocabulary that the test trains.</summary>
public sealed class ClipTokenizerTests : IDisposable
{
    private static readonly string[] Captions = ["a photo of a cat", "a photo of a dog", "a photo of two red circles",
        "it's the cat's photo, naïve café ☕"];

    private readonly string _folder = Directory.CreateTempSubdirectory("vocabulary").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_trained_vocabulary_has_bytes_merges_and_special_tokens_in_Clips_order()
    {
        int size = BytePairTrainer.Train(Captions, 540, _folder);
        var tokenizer = ClipTokenizer.Load(_folder);
        Assert.Equal(540, size);
        Assert.Equal(540, tokenizer.VocabularySize);
        Assert.Equal("!", tokenizer.Token(0));
        Assert.Equal("!</w>", tokenizer.Token(256));
        Assert.Equal((538, 539), (tokenizer.StartOfTextId, tokenizer.EndOfTextId));
        Assert.Single(tokenizer.Encode("photo"));
        Assert.StartsWith("#version: 0.2\n", File.ReadAllText(Path.Combine(_folder, "merges.txt")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_vocabulary_stops_growing_when_every_word_is_one_token() =>
        Assert.Equal(BytePairTrainer.Train(Captions, 5000, _folder), BytePairTrainer.Train(Captions, 9000, _folder));

    [Fact]
    public void Training_twice_writes_the_same_bytes()
    {
        string second = Path.Combine(_folder, "second");
        BytePairTrainer.Train(Captions, 540, _folder);
        BytePairTrainer.Train(Captions.Reverse(), 540, second);
        foreach (string file in new[] { "vocab.json", "merges.txt" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(_folder, file)), File.ReadAllBytes(Path.Combine(second, file)));
    }

    [Theory]
    [InlineData("a photo of a cat")]
    [InlineData("words never seen: zyx 42!")]
    [InlineData("ελληνικά 日本語 🙂")]
    public void Encoding_and_decoding_keep_the_words(string text)
    {
        BytePairTrainer.Train(Captions, 560, _folder);
        var tokenizer = ClipTokenizer.Load(_folder);
        string Squeeze(string s) => s.Replace(" ", "", StringComparison.Ordinal);
        Assert.Equal(Squeeze(text), Squeeze(tokenizer.Decode(tokenizer.Encode(text))));
    }

    [Fact]
    public void An_empty_caption_is_start_and_end()
    {
        BytePairTrainer.Train(Captions, 520, _folder);
        var tokenizer = ClipTokenizer.Load(_folder);
        Assert.Equal([tokenizer.StartOfTextId, tokenizer.EndOfTextId], tokenizer.Tokenize([""]).Ids);
    }

    [Fact]
    public void Rows_are_padded_to_the_longest_and_masked()
    {
        BytePairTrainer.Train(Captions, 560, _folder);
        var batch = ClipTokenizer.Load(_folder).Tokenize(["cat", "a photo of a cat"]);
        Assert.Equal((2, 7), (batch.Count, batch.Length));
        Assert.Equal([2, 6], batch.EndOfTextPositions);
        Assert.Equal([1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1], batch.AttentionMask());
        Assert.Equal([0L, 0, 0, 0], batch.Ids[3..7]);
    }

    [Fact]
    public void Rows_may_be_as_long_as_the_context_and_padded_as_Hugging_Face_does()
    {
        BytePairTrainer.Train(Captions, 560, _folder);
        var tokenizer = ClipTokenizer.Load(_folder, contextLength: 9);
        var batch = tokenizer.Tokenize(["cat"], padding: Padding.ContextLength, padId: tokenizer.EndOfTextId);
        Assert.Equal([tokenizer.StartOfTextId, tokenizer.Encode("cat")[0], .. Enumerable.Repeat((long)tokenizer.EndOfTextId, 7)],
            batch.Ids);
        Assert.Equal([2], batch.EndOfTextPositions);
        Assert.Equal([1, 1, 1, 0, 0, 0, 0, 0, 0], batch.AttentionMask());
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Tokenize(["cat"], padId: tokenizer.VocabularySize));
    }

    [Fact]
    public void A_piece_of_one_symbol_and_a_special_token_need_no_merge()
    {
        BytePairTrainer.Train(Captions, 560, _folder);
        var tokenizer = ClipTokenizer.Load(_folder);
        foreach (string text in new[] { "!", "<|endoftext|>" })
        {
            var piece = Assert.Single(tokenizer.Explain(text));
            Assert.Equal(tokenizer.Encode(text), piece.Ids);
            Assert.Null(Assert.Single(piece.Steps).Rank);
        }
    }

    [Fact]
    public void Several_threads_encode_alike()
    {
        BytePairTrainer.Train(Captions, 560, _folder);
        var tokenizer = ClipTokenizer.Load(_folder);
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => $"{Captions[i % 4]} {i} naïve{i % 7}")];
        int[][] alone = [.. texts.Select(ClipTokenizer.Load(_folder).Encode)];
        var together = new int[texts.Length][];
        Parallel.For(0, 8 * texts.Length, i =>
        {
            int[] ids = tokenizer.Encode(texts[i % texts.Length]);
            if (i < texts.Length) together[i] = ids;
        });
        Assert.Equal(alone, together);
    }

    [Fact]
    public void A_caption_that_is_too_long_is_refused_in_words()
    {
        BytePairTrainer.Train(Captions, 560, _folder);
        var tokenizer = ClipTokenizer.Load(_folder, contextLength: 4);
        var error = Assert.Throws<ArgumentException>(() => tokenizer.Tokenize(["a photo of a cat"]));
        Assert.Contains("\"a photo of a cat\") has 5 tokens", error.Message, StringComparison.Ordinal);
        Assert.Contains("at most 2 fit the context of 4", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("vocab.json", "[1]", "one JSON object")]
    [InlineData("vocab.json", "{\"a\": 0", "is not JSON")]
    [InlineData("vocab.json", "{\"a\": 0, \"b\": 0}", "another token's too")]
    [InlineData("vocab.json", "{\"a\": 0, \"b\": 7}", "has the id 7")]
    [InlineData("vocab.json", "{\"a\": 0}", "has no <|startoftext|>")]
    [InlineData("vocab.json", "{\"<|startoftext|>\": 0, \"<|endoftext|>\": 1}", "lacks the byte")]
    [InlineData("merges.txt", "#version: 0.2\na b c\n", "line 2")]
    [InlineData("merges.txt", "#version: 0.2\n€ €\n", "is not in")]
    public void A_damaged_file_is_named_with_its_place(string file, string content, string message)
    {
        BytePairTrainer.Train(Captions, 540, _folder);
        File.WriteAllText(Path.Combine(_folder, file), content);
        var error = Assert.Throws<InvalidDataException>(() => ClipTokenizer.Load(_folder));
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains("Copy vocab.json and merges.txt anew", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_that_a_tokenizer_adds_to_its_vocabulary_are_refused_by_name()
    {
        BytePairTrainer.Train(Captions, 540, _folder);
        string path = Path.Combine(_folder, "added_tokens.json");
        File.WriteAllText(path, """{ "<|endoftext|>": 539 }""");
        ClipTokenizer.Load(_folder);
        File.WriteAllText(path, """{ "<|endoftext|>": 539, "<new>": 540 }""");
        Assert.Contains("added_tokens.json adds the token \"<new>\"",
            Assert.Throws<InvalidDataException>(() => ClipTokenizer.Load(_folder)).Message, StringComparison.Ordinal);
        File.WriteAllText(path, "[1]");
        Assert.Contains("added_tokens.json is not a list of tokens",
            Assert.Throws<InvalidDataException>(() => ClipTokenizer.Load(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_named_with_where_to_get_it()
    {
        Missing("vocab.json");
        BytePairTrainer.Train(Captions, 540, _folder);
        File.Delete(Path.Combine(_folder, "merges.txt"));
        Missing("merges.txt");

        void Missing(string name)
        {
            string message = Assert.Throws<FileNotFoundException>(() => ClipTokenizer.Load(_folder)).Message;
            Assert.Contains($"has no {name}; CLIP's tokenizer needs", message, StringComparison.Ordinal);
            Assert.Contains("clipbook download ID", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_mutated_vocabulary_loads_or_is_refused_by_name()
    {
        BytePairTrainer.Train(Captions, 540, _folder);
        foreach (string name in new[] { "vocab.json", "merges.txt" })
        {
            string path = Path.Combine(_folder, name);
            byte[] sound = File.ReadAllBytes(path);
            Fuzz.Run(250, 10_000, path, random => Mutation.Of(random, sound), () => ClipTokenizer.Load(_folder).Encode("a photo of a cat"),
                exception => exception is InvalidDataException && exception.Message.Contains(_folder, StringComparison.Ordinal));
            File.WriteAllBytes(path, sound);
        }
    }

    [Fact]
    public void A_caption_may_fill_the_context_to_its_end()
    {
        BytePairTrainer.Train(Captions, 560, _folder);
        var tokenizer = ClipTokenizer.Load(_folder, contextLength: 7);
        Assert.Equal(7, tokenizer.Tokenize(["a photo of a cat"]).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Tokenize(["cat"], padId: -1));
        Assert.Equal(2, ClipTokenizer.Load(_folder, contextLength: 2).Tokenize(["cat"], truncate: true).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => ClipTokenizer.Load(_folder, contextLength: 1));
    }

    [Fact]
    public void Of_pairs_that_are_equally_frequent_the_first_in_ordinal_order_is_merged()
    {
        BytePairTrainer.Train(["acab"], 515, _folder);
        Assert.Equal("a b</w>", File.ReadAllLines(Path.Combine(_folder, "merges.txt"))[1]);
    }
}
