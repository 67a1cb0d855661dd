using ClipNotebooks.Core.Text.Cleaning;
using ClipNotebooks.Core.Text.Pipeline;

namespace ClipNotebooks.Core.Text;

/// <summary>
/// Chooses the tokenizer from what a model's folder holds: CLIP's <c>vocab.json</c> and <c>merges.txt</c>, <c>tokenizer.json</c>, SigLIP's
/// <c>spiece.model</c>, BERT's <c>vocab.txt</c>, and <c>tokenizer_config.json</c>, which names the class.
/// </summary>
public static class TokenizerFolder
{
    private const string Json = "tokenizer.json", SentencePiece = "spiece.model", Words = "vocab.txt", Config = "tokenizer_config.json";

    /// <summary>Whether a folder has a tokenizer's files; they may be damaged.</summary>
    public static bool IsIn(string folder) =>
        ((string[])["vocab.json", Json, SentencePiece, Words]).Any(name => File.Exists(Path.Combine(folder, name)));

    /// <summary>Opens a folder's tokenizer.</summary>
    /// <exception cref="FileNotFoundException">The folder has no tokenizer, or lacks one of its files; the message says which.</exception>
    /// <exception cref="InvalidDataException">A file is damaged; the message says where.</exception>
    /// <exception cref="NotSupportedException">A file asks for something unsupported; the message names its key.</exception>
    public static ITokenizer Load(string folder, TokenizerOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(options);
        bool Has(string name) => File.Exists(Path.Combine(folder, name));
        string At(string name) => Path.Combine(folder, name);
        var config = Has(Config) ? JsonSection.Load(At(Config), TokenizerConfig.Read) : new TokenizerConfig();
        bool isSiglip = options.ModelType is "siglip" or "siglip2", isOpenClip = options.Cleaning is not null;

        bool isClip = config.Class == "CLIPTokenizer" || !Has(Json) && !Has(Words) && !Has(SentencePiece);
        if (isClip && IsIn(folder)) return ClipTokenizer.Load(folder, options.ContextLength);

        int contextLength = isOpenClip ? options.ContextLength : Math.Min(options.ContextLength, config.MaxLength);
        Func<string, string> clean = options.Cleaning is { } cleaning ? text => TextCleaner.Clean(text, cleaning) : text => text;
        ITextPipeline pipeline;
        bool needsPieces = config.Class == "SiglipTokenizer" || config.Class is null && options.ModelType == "siglip" && Has(SentencePiece);
        if (!isOpenClip && needsPieces)
        {
            if (!Has(SentencePiece))
                throw Missing(folder, $"{At(Config)} names the class SiglipTokenizer, which needs {SentencePiece}", SentencePiece);
            pipeline = new SiglipPipeline(At(SentencePiece), config.Added, config.Lower ?? true);
        }
        else if (Has(Json))
        {
            pipeline = PipelineFile.Read(At(Json));
            if (pipeline.Tokens.Contains(ClipTokenizer.StartOfText)) return ClipTokenizer.Load(folder, options.ContextLength);
            // SigLIP 2 was trained on lower case: Hugging Face's Siglip2Tokenizer is Gemma's after it.
            if (config.Class == "Siglip2Tokenizer" || isSiglip && config.Class == "GemmaTokenizer")
                clean = Then(clean, LowerCase.MapEach);
        }
        else if (Has(Words))
        {
            pipeline = BertPipeline.Read(At(Words), config.Lower ?? true, config.SplitsChinese);
        }
        else
        {
            throw Missing(folder, "a model needs one of: vocab.json with merges.txt (CLIP's), tokenizer.json, spiece.model (SigLIP's), " +
                "vocab.txt (BERT's)", Json);
        }
        if (!isOpenClip && config.PadsLeft)
            throw new NotSupportedException($"{At(Config)}: \"padding_side\" is \"left\", which is not supported; \"right\" is.");
        if (contextLength <= pipeline.Start.Length + pipeline.End.Length)
            throw new NotSupportedException($"{folder}: rows of {contextLength} tokens have no room for a text beside the " +
                $"{pipeline.Start.Length + pipeline.End.Length} at their start and end.");
        return new PipelineTokenizer(pipeline, clean, contextLength, Padding(folder, config, pipeline), options.StripsEnd);
    }

    private static Func<string, string> Then(Func<string, string> first, Func<string, string> then) => text => then(first(text));

    private static int Padding(string folder, TokenizerConfig config, ITextPipeline pipeline)
    {
        string map = Path.Combine(folder, "special_tokens_map.json");
        string? token = config.Pad ?? (File.Exists(map) ? JsonSection.Load(map, section => TokenizerConfig.Content(section, "pad_token"))
            : null);
        var tokens = pipeline.Tokens.Index().ToLookup(entry => entry.Item, entry => entry.Index, StringComparer.Ordinal);
        if (token is not null)
        {
            return tokens[token].Select(id => (int?)id).FirstOrDefault()
                ?? throw new InvalidDataException($"{folder}: the \"pad_token\" \"{token}\" is no token of the vocabulary.");
        }
        return pipeline.Padding ?? tokens["<pad>"].Concat(tokens["[PAD]"]).Concat(pipeline.End).Concat([0]).First();
    }

    private static FileNotFoundException Missing(string folder, string why, string file) =>
        new($"{folder} lacks its tokenizer: {why}. Copy it from where the model came from; of a model of the Hub, \"clipbook download " +
            $"ID\" fetches what its folder lacks.", Path.Combine(folder, file));
}
