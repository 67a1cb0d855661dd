using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Workbook.Emoji;
using static TorchSharp.torch;

namespace ClipNotebooks.Cli.Commands;

/// <summary>Training on emoji as several designers draw them.</summary>
/// <param name="data">The emoji.</param>
internal sealed class EmojiTraining(EmojiData data) : TrainingWorld
{
    private const int Most = 300;

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

    /// <summary>Some concepts in the held-out style, each with its name.</summary>
    private protected override (Tensor Pixels, Tensor Ids) Looked(ITokenizer tokenizer)
    {
        string style = data.Manifest.HeldOutStyle;
        EmojiConcept[] drawn = [.. data.Concepts.Where(concept => concept.Styles.Contains(style))];
        EmojiConcept[] some = [.. drawn.Where((_, i) => i % Math.Max(1, drawn.Length / Most) == 0).Take(Most)];
        var processor = new ClipProcessor(new(EmojiClip.Transform), tokenizer);
        return (processor.Images([.. some.Select(concept => data.OnWhite(style, concept))]),
            processor.Texts([.. some.Select(concept => concept.English.Name)]));
    }

    internal override void Save(ClipModel model, string folder) => EmojiClip.Save(model, folder);
}
