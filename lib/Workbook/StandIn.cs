using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook;

/// <summary>
/// A published model for a lesson to show: the one in the Hub's cache or, if its weights are not there, a small stand-in of the same
/// family, with random weights and a small tokenizer of the same kind (<c>data/tokenizers</c>).
/// </summary>
/// <param name="Clip">The model with its processor; the caller's to dispose.</param>
/// <param name="IsPublished">Whether its weights are the published ones.</param>
/// <param name="Note">A sentence to print that says which of the two it is.</param>
public sealed record StandIn(ClipEncoder Clip, bool IsPublished, string Note)
{
    private const int Side = 64, Patch = 8, Width = 32, Heads = 2, Context = 64;

    private static readonly AttentionPoolConfig Pool = new() { Heads = Heads, MlpWidth = 2 * Width };

    private static readonly Dictionary<string, Func<string, ClipModel>> Makers = new(StringComparer.Ordinal)
    {
        ["google/siglip2-base-patch16-224"] = folder => Siglip2(folder, flexible: false),
        ["google/siglip2-base-patch16-naflex"] = folder => Siglip2(folder, flexible: true),
        ["laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k"] = _ => Multilingual(),
    };

    /// <summary>The Hub ids of the models that have a stand-in.</summary>
    public static IReadOnlyList<string> Ids { get; } = [.. Makers.Keys];

    /// <summary>Opens a model, or its stand-in.</summary>
    /// <param name="id">One of <see cref="Ids"/>.</param>
    /// <exception cref="ArgumentException">The model has no stand-in; the message lists those that have one.</exception>
    public static StandIn Open(string id)
    {
        Known(id);
        if (Cached(id))
        {
            string note = Lesson.In($"{id}: the published weights.", $"{id}: 공개된 가중치입니다.");
            return new StandIn(ClipEncoder.FromPretrained(id), true, note);
        }
        string folder = Directory.CreateTempSubdirectory("clip-stand-in-").FullName;
        try
        {
            Write(id, folder);
            return new StandIn(ClipEncoder.FromPretrained(folder), false, Lesson.In(
                $"{id}: not in the cache. A small model of its family stands in, with random weights.",
                $"{id}: 캐시에 없습니다. 같은 계열의 작은 모델이 무작위 가중치로 대신합니다."));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Writes a model's stand-in as a model's folder: weights, configuration, image transform and tokenizer.</summary>
    /// <param name="id">One of <see cref="Ids"/>.</param>
    /// <param name="folder">The folder to write to; created if it is missing.</param>
    /// <exception cref="ArgumentException">The model has no stand-in; the message lists those that have one.</exception>
    public static void Write(string id, string folder)
    {
        Known(id);
        Directory.CreateDirectory(folder);
        random.manual_seed(6);
        using var model = Makers[id](folder);
        bool isMultilingual = model.Config.Text.TokenTypes > 0;
        ClipCheckpoint.SavePretrained(model, folder, isMultilingual ? CheckpointLayout.OpenClip : CheckpointLayout.HuggingFace);
        string tokenizer = Path.Combine(Lesson.Data, "tokenizers", isMultilingual ? "xlm-roberta" : "siglip2");
        foreach (string file in Directory.GetFiles(tokenizer, "*.json"))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
    }

    /// <summary>
    /// SigLIP 2's stand-in: attention pooling over patches, a tokenizer with Gemma's pieces, a sigmoid for each pair; for images of one
    /// size, or of any proportions.
    /// </summary>
    private static ClipModel Siglip2(string folder, bool flexible)
    {
        new ImageTransformConfig
        {
            Size = Side, ResizeSize = Side, ResizeMode = flexible ? ResizeMode.Patches : ResizeMode.Squash,
            Patches = flexible ? (Patch, Side / Patch * (Side / Patch)) : null,
            ConvertFirst = true, Interpolation = Interpolation.Bilinear, Mean = [0.5f, 0.5f, 0.5f], Std = [0.5f, 0.5f, 0.5f],
        }.Save(Path.Combine(folder, "preprocessor_config.json"));
        var whole = ClipConfig.SiglipBasePatch16;
        return new ClipModel(whole with
        {
            EmbeddingWidth = Width,
            Vision = whole.Vision with
            {
                ImageSize = Side, PatchSize = Patch, Width = Width, Layers = 2, Heads = Heads, MlpWidth = 2 * Width, AttentionPool = Pool,
                Stem = flexible ? PatchStem.FlatPatches : PatchStem.BiasedPatches,
            },
            Text = whole.Text with
            {
                ContextLength = Context, VocabularySize = 1100, PaddingId = 0,
                Width = Width, Layers = 2, Heads = Heads, MlpWidth = 2 * Width,
            },
        });
    }

    /// <summary>
    /// The multilingual stand-in: CLIP's image tower, and XLM-RoBERTa's text tower, which projects the mean of its tokens.
    /// </summary>
    private static ClipModel Multilingual()
    {
        var sizes = new TextConfig
        {
            ContextLength = Context, VocabularySize = 521, PaddingId = 1, Width = Width, Layers = 2, Heads = Heads, MlpWidth = 4 * Width,
        };
        return new ClipModel(new ClipConfig
        {
            EmbeddingWidth = Width,
            Activation = Activation.Gelu,
            Vision = new VisionConfig { ImageSize = Side, PatchSize = Patch, Width = Width, Layers = 2, Heads = Heads },
            Text = TextConfig.Bert(sizes, Context + 2, 1, skipsPadding: true) with
            {
                Pooling = TextPooling.Mean, Projection = ProjectionKind.Mlp,
            },
        });
    }

    /// <summary>Whether a model is completely in the cache; a damaged one is not.</summary>
    private static bool Cached(string id)
    {
        try
        {
            return new HuggingFaceHub().Find(id) is not null;
        }
        catch (HubException)
        {
            return false;
        }
    }

    private static void Known(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (Makers.ContainsKey(id)) return;
        throw new ArgumentException($"Nothing stands in for {id}; for {string.Join(", ", Ids)} something does.", nameof(id));
    }
}
