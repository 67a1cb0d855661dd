using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Workbook.Emoji;
using TorchSharp;

namespace ClipNotebooks.Cli.Commands;

/// <summary>Training on emoji as several designers draw them.</summary>
/// <param name="data">The emoji.</param>
internal sealed class EmojiTraining(EmojiData data) : TrainingWorld
{
    private const int Looked = 300;

    internal override int Steps => EmojiClip.Steps;

    internal override int Batch => Math.Min(EmojiClip.Batch, MostPairs);

    /// <summary>The number of concepts to train on: each pair of a batch is about another concept.</summary>
    internal override int MostPairs => data.Concepts.Count(concept => concept.Styles.Any(data.Manifest.TrainingStyles.Contains));

    internal override int ContextLength => EmojiClip.ContextLength;

    internal override string Pairs => "pictures";

    internal override string Arguments => $" --world emoji --data {Terminal.Word(data.Folder)}";

    internal override string Output => "artifacts/emoji-clip";

    internal override ITokenizer WriteVocabulary(string folder) => EmojiClip.WriteVocabulary(data, folder);

    internal override ClipModel Create(ITokenizer tokenizer, int seed) => EmojiClip.Create(tokenizer, seed);

    internal override TrainerOptions Options(int steps, int batch, int seed) =>
        EmojiClip.Options(steps) with { Data = $"emoji {data.Fingerprint} of seed {seed} in batches of {batch}" };

    internal override Func<long, TrainingBatch> Batches(ITokenizer tokenizer, int batch, int seed) =>
        new EmojiBatches(data, tokenizer, new(EmojiClip.Transform), batch, seed).Batch;

    /// <summary>Name → picture recall@1 among some concepts in the held-out style.</summary>
    internal override string HeldOut(ClipModel model, ITokenizer tokenizer)
    {
        using var scope = torch.NewDisposeScope();
        using var _ = torch.no_grad();
        model.eval();
        string style = data.Manifest.HeldOutStyle;
        EmojiConcept[] drawn = [.. data.Concepts.Where(concept => concept.Styles.Contains(style))];
        EmojiConcept[] some = [.. drawn.Where((_, i) => i % Math.Max(1, drawn.Length / Looked) == 0).Take(Looked)];
        var processor = new ClipProcessor(new(EmojiClip.Transform), tokenizer);
        var images = Unit(model.EncodeImage(processor.Images([.. some.Select(concept => data.OnWhite(style, concept))])));
        var texts = Unit(model.EncodeText(processor.Texts([.. some.Select(concept => concept.English.Name)])));
        return $"held-out R@1 of {some.Length}: {Retrieval.RecallAt(texts.mm(images.t()), 1):p0}";

        static torch.Tensor Unit(torch.Tensor x) => torch.nn.functional.normalize(x, p: 2, dim: -1);
    }

    internal override void Save(ClipModel model, string folder) => EmojiClip.Save(model, folder);
}
