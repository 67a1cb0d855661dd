using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;

namespace ClipNotebooks.Onnx;

/// <summary>Runs a model's graphs, from pixels and token ids to embeddings. Thread-safe.</summary>
internal sealed class OnnxTowers : IDisposable
{
    private readonly OnnxSession _vision, _text;
    private readonly string? _whole;
    private readonly string _imageEmbeds, _textEmbeds;

    private OnnxTowers(OnnxSession vision, OnnxSession text, string? whole, OnnxRecipe recipe)
    {
        (_vision, _text, _whole, Recipe) = (vision, text, whole, recipe);
        // SigLIP's pooled output is its embedding; the pooled output of a CLIP tower comes before the projection.
        string[] names = recipe.IsSigmoid ? ["pooler_output"] : [];
        _imageEmbeds = vision.Output(["image_embeds", .. names]);
        _textEmbeds = text.Output(["text_embeds", .. names]);
        var (pixels, ids) = (Input(vision, OnnxSession.Pixels), Input(text, OnnxSession.Ids));
        string images = TakesPatches ? "(B, N, 3 P²)" : "(B, 3, R, R)";
        if (TakesPatches ? pixels.Length != 3 : pixels is not [_, -1 or 3, var height, var width] || height != width)
            throw Other(vision, OnnxSession.Pixels, pixels, images);
        if (ids is not [_, var length]) throw Other(text, OnnxSession.Ids, ids, "(B, L)");
        if (pixels[0] > 0) throw Other(vision, OnnxSession.Pixels, pixels, $"{images} with B free");
        if (ids[0] > 0) throw Other(text, OnnxSession.Ids, ids, "(B, L) with B free");
        RowLength = length > 0 ? length : null;
        int image = vision.Sides(_imageEmbeds)[1], caption = text.Sides(_textEmbeds)[1];
        if (image > 0 && caption > 0 && image != caption)
        {
            throw new CheckpointException($"{vision.Path} gives embeddings of {image} numbers and {text.Path} of {caption}: they are of " +
                "two models. Take both from the same export.");
        }
        Width = image > 0 ? image : caption;
    }

    /// <summary>What the configuration says.</summary>
    internal OnnxRecipe Recipe { get; }

    /// <summary>E; 0 until it is known, if the graphs do not tell it.</summary>
    internal int Width { get; private set; }

    /// <summary>The longest row of tokens.</summary>
    internal int ContextLength => RowLength ?? Recipe.ContextLength;

    /// <summary>Whether images are given as patches, with the shape of their grid.</summary>
    private bool TakesPatches => _vision.Takes(OnnxSession.Grids);

    /// <summary>The length that the graph needs each row to have; null if any length will do.</summary>
    private int? RowLength { get; }

    /// <summary>
    /// The fingerprint of the model that both graphs say they were made from; if they do not say the same, one of their files and the
    /// processor.
    /// </summary>
    internal string Fingerprint(ClipProcessor processor) => _vision.Fingerprint is { } made && made == _text.Fingerprint ? made
        : ModelFingerprint.Of(processor, hash =>
        {
            foreach (string path in new[] { _vision, _text }.Distinct().SelectMany(graph => graph.Files))
            {
                using var file = File.OpenRead(path);
                var buffer = new byte[1 << 20];
                for (int read; (read = file.Read(buffer)) > 0;) hash.AppendData(buffer.AsSpan(0, read));
            }
        });

    /// <exception cref="CheckpointException">A graph is damaged, or has other inputs, outputs or shapes than a CLIP.</exception>
    internal static OnnxTowers Open(OnnxFolder folder, OnnxRecipe recipe, OnnxOptions options)
    {
        OnnxSession? vision = null, text = null;
        try
        {
            vision = OnnxSession.Open(folder.Vision, options);
            text = folder.Text == folder.Vision ? vision : OnnxSession.Open(folder.Text, options);
            return new OnnxTowers(vision, text, folder.Whole, recipe);
        }
        catch
        {
            vision?.Dispose();
            text?.Dispose();
            throw;
        }
    }

    /// <summary>Compares the image transform with the graph.</summary>
    /// <exception cref="CheckpointException">The transform makes another shape than the graph takes.</exception>
    internal void RequireShape(ClipImageTransform transform)
    {
        int[] sides = _vision.Sides(OnnxSession.Pixels);
        long[] made = OnnxImages.Shape(transform);
        bool fits = made.Zip(sides.Skip(1)).All(pair => pair.Second < 0 || pair.First == pair.Second);
        if (made.Length == sides.Length - 1 && fits) return;
        throw Other(_vision, OnnxSession.Pixels, sides, $"(B, {Quote.Shape(made)}), what the model's recipe makes of images,");
    }

    /// <returns>B rows of E, as the graph gives them.</returns>
    internal float[][] Images(IReadOnlyList<float[]> pixels, ClipProcessor processor)
    {
        var inputs = Captions(processor, processor.Tokenizer.Tokenize([""]), [0]);
        OnnxImages.Add(inputs, pixels, processor.Transform);
        return Rows(_vision.Run(inputs, _imageEmbeds)[0], pixels.Count, _vision);
    }

    /// <summary>Embeds some of a batch's rows. Their indices are ordered so that the last row is the longest.</summary>
    /// <returns>A row of E for each, as the graph gives them.</returns>
    internal float[][] Texts(TokenBatch tokens, int[] places, ClipProcessor processor)
    {
        var inputs = Captions(processor, tokens, places);
        if (_text.Takes(OnnxSession.Pixels)) OnnxImages.Add(inputs, [new float[processor.Transform.Length]], processor.Transform);
        return Rows(_text.Run(inputs, _textEmbeds)[0], places.Length, _text);
    }

    /// <summary>
    /// The scale and bias that the whole model's graph applies to cosine similarities, found by comparing its logits with its embeddings
    /// for two images and four captions.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no graph of the whole model.</exception>
    /// <exception cref="CheckpointException">It is damaged, or gives no logits.</exception>
    internal (double Scale, double Bias) ScaleAndBias(OnnxOptions options, ClipProcessor processor)
    {
        if (_whole is null)
        {
            throw new InvalidOperationException($"{_vision.Path} and {_text.Path} do not tell the factor on similarities: towers have " +
                "none, and there is no model.onnx of both beside them. Set OnnxOptions.Scale; OpenAI's published models have 100.");
        }
        using var graph = OnnxSession.Open(_whole, options);
        string[] outputs = [graph.Output("logits_per_image"), graph.Output("image_embeds"), graph.Output("text_embeds")];
        var tokens = processor.Tokenizer.Tokenize(["", "a", "a cat", "two dogs at night"]);
        int[] order = [.. Enumerable.Range(0, tokens.Count).OrderBy(i => tokens.EndOfTextPositions[i])];
        var inputs = Captions(processor, tokens, order);
        OnnxImages.Add(inputs, OnnxImages.Samples(processor.Transform), processor.Transform);
        float[][][] results = [.. graph.Run(inputs, outputs).Select(output => output.Values.Chunk((int)output.Shape[1]).ToArray())];
        var (logits, images, texts) = (results[0], results[1], results[2]);
        var pairs = from i in Enumerable.Range(0, images.Length) from j in Enumerable.Range(0, texts.Length)
                    let cosine = ClipLogits.Cosine(images[i], texts[j])
                    select (Cosine: cosine, Logit: (double)logits[i][j]);
        return Line([.. pairs], through0: !Recipe.IsSigmoid);
    }

    public void Dispose()
    {
        _vision.Dispose();
        if (_text != _vision) _text.Dispose();
    }

    /// <summary>The line through points by least squares: its slope, and its value at 0.</summary>
    private static (double Scale, double Bias) Line((double Cosine, double Logit)[] points, bool through0)
    {
        double x = through0 ? 0 : points.Average(point => point.Cosine), y = through0 ? 0 : points.Average(point => point.Logit);
        double spread = points.Sum(point => (point.Cosine - x) * (point.Cosine - x));
        double slope = points.Sum(point => (point.Cosine - x) * (point.Logit - y)) / spread;
        return (slope, y - slope * x);
    }

    private Dictionary<string, (Array, long[])> Captions(ClipProcessor processor, TokenBatch tokens, int[] places)
    {
        // Towers that attend to padding are trained on rows that are padded to their full length.
        int length = RowLength ?? (Recipe.IsSigmoid ? processor.Tokenizer.ContextLength : tokens.EndOfTextPositions[places[^1]] + 1);
        long[] ids = new long[places.Length * length], mask = new long[ids.Length];
        Array.Fill(ids, processor.Tokenizer.PaddingId);
        foreach (var (row, place) in places.Index())
        {
            int known = tokens.EndOfTextPositions[place] + 1;
            tokens.Ids.AsSpan(place * tokens.Length, known).CopyTo(ids.AsSpan(row * length));
            mask.AsSpan(row * length, known).Fill(1);
        }
        long[] shape = [places.Length, length];
        return new()
        {
            [OnnxSession.Ids] = (ids, shape), [OnnxSession.Mask] = (mask, shape), [OnnxSession.Types] = (new long[ids.Length], shape),
        };
    }

    private float[][] Rows((float[] Values, long[] Shape) output, int count, OnnxSession graph)
    {
        if (output.Shape is not [var rows, var width] || rows != count || Width > 0 && width != Width)
        {
            throw new CheckpointException($"{graph.Path} gives ({Quote.Shape(output.Shape)}) for {count} inputs; ({count}, " +
                $"{(Width > 0 ? $"{Width}" : "E")}) is needed. Export it again.");
        }
        Width = (int)width;
        return [.. output.Values.Chunk((int)width)];
    }

    private static int[] Input(OnnxSession graph, string name) => graph.Takes(name) ? graph.Sides(name)
        : throw new CheckpointException($"{graph.Path} does not take \"{name}\": it is another part of a model. Export the model by its " +
            "towers, as transformers.js and optimum have them.");

    private static CheckpointException Other(OnnxSession graph, string name, int[] sides, string wanted)
    {
        string found = string.Join(", ", sides.Select(side => side < 0 ? "any" : $"{side}"));
        return new($"{graph.Path} takes \"{name}\" as ({found}); {wanted} is needed. Export it again, or take all files from one model.");
    }
}
