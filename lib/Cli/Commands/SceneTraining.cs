using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Workbook.Scenes;
using ClipNotebooks.Workbook.Training;
using static TorchSharp.torch;

namespace ClipNotebooks.Cli.Commands;

/// <summary>Training on the scenes that the project draws, as for data/models/tiny-clip.</summary>
internal sealed class SceneTraining : TrainingWorld
{
    internal override int Steps => 5000;

    internal override int Batch => 64;

    internal override int ContextLength => TinyClip.ContextLength;

    internal override string Pairs => "captions";

    internal override string Arguments => "";

    internal override string Output => "artifacts/tiny-clip";

    internal override ITokenizer WriteVocabulary(string folder) => TinyClip.WriteVocabulary(folder);

    internal override ClipModel Create(ITokenizer tokenizer, int seed) => TinyClip.Create(tokenizer, seed);

    internal override TrainerOptions Options(int steps, int batch, int seed) =>
        TinyClip.Options(steps) with { Data = $"scenes of seed {seed} in batches of {batch} captions" };

    internal override Func<long, TrainingBatch> Batches(ITokenizer tokenizer, int batch, int seed) =>
        new SceneBatches(tokenizer, new(TinyClip.Transform), batch, seed).Batch;

    /// <summary>The first 100 held-out scenes, drawn at the model's size.</summary>
    private protected override (Tensor Pixels, Tensor Ids) Looked(ITokenizer tokenizer)
    {
        var processor = new ClipProcessor(new(TinyClip.Transform), tokenizer);
        var scenes = Enumerable.Range(0, 100).Select(i => SyntheticScenes.Create(SceneWorld.HeldOut, i)).ToList();
        return (processor.Images([.. scenes.Select(scene => scene.Draw(TinyClip.ImageSize))]),
            processor.Texts([.. scenes.Select(scene => scene.Captions[0])]));
    }

    internal override void Save(ClipModel model, string folder) => TinyClip.Save(model, folder);
}
