using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Clip.FineTuning;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ClipNotebooks.Cli.Commands;

/// <summary>Fine-tuning of an existing model on a user's own pairs.</summary>
internal sealed class PairTraining : TrainingWorld
{
    private const int Epochs = 10, Most = 100;
    private const double Rate = 1e-5, AdapterRate = 1e-4;

    private readonly Request _asked;
    private readonly string _source;
    private readonly CaptionDataset _training, _heldOut;
    private readonly ClipEncoder _encoder;
    private PairBatches? _batches;
    private LowRankAdapters? _adapters;
    private RetrievalReport? _before;
    private Tensor? _looked;
    private string[] _lookedAt = [];

    /// <param name="asked">What the command was given.</param>
    /// <param name="seed">Chooses which images are held out.</param>
    internal PairTraining(Request asked, int seed)
    {
        _asked = asked;
        var all = EvaluateCommand.Captions(asked.Captions, asked.Images);
        if (all.Files.Count < 4) throw new UserError($"{asked.Captions} names {all.Files.Count} images; fine-tuning needs four or more.");
        (_training, _heldOut) = all.Split(asked.HeldOut, seed);
        _source = HuggingFaceHub.Resolve(asked.From);
        _encoder = ClipEncoder.FromPretrained(asked.From, CPU);
    }

    internal override int Steps => StepsOf(Batch);

    internal override int Batch => Math.Min(64, MostPairs);

    internal override int MostPairs => _training.Files.Count;

    internal override int ContextLength => _encoder.Model.Config.Text.ContextLength;

    internal override string Pairs => "pairs";

    internal override string Output => "artifacts/fine-tuned";

    internal override string Arguments =>
        $" --from {Terminal.Word(_asked.From)} --images {Terminal.Word(_asked.Images)} --captions {Terminal.Word(_asked.Captions)}"
        + (_asked.LowRank ? $" --lora --rank {_asked.Rank}" : "") + $" --learning-rate {LearningRate} --held-out {_asked.HeldOut}";

    internal override string Measure(string folder) => $"clipbook evaluate --captions {Terminal.Word(_asked.Captions)} " +
        $"--images {Terminal.Word(_asked.Images)} --model {Terminal.Word(folder)}";

    private double LearningRate => _asked.LearningRate ?? (_asked.LowRank ? AdapterRate : Rate);

    internal override int StepsOf(int batch) => Epochs * Math.Max(1, _training.Files.Count / batch);

    internal override ITokenizer WriteVocabulary(string folder)
    {
        Directory.CreateDirectory(folder);
        CheckpointFolder.CopyCompanions(_source, folder);
        return _encoder.Processor.Tokenizer;
    }

    internal override ITokenizer ReadVocabulary(string folder) => _encoder.Processor.Tokenizer;

    internal override ClipModel Create(ITokenizer tokenizer, int seed)
    {
        random.manual_seed(seed);
        var model = _encoder.Model;
        _before = Retrieve();
        Terminal.WriteLine($"{_training.Files.Count:N0} images to train on, {_before.Images:N0} held out with {_before.Captions:N0} " +
            $"captions. Before: {Said(_before)}.");
        if (_asked.LowRank)
        {
            _adapters = LowRankAdapters.Attach(model,
                new LowRankOptions { Rank = _asked.Rank, Alpha = 2 * _asked.Rank, Targets = LowRankTargets.All });
            Terminal.WriteLine($"{_adapters.Count:N0} numbers in adapters of rank {_asked.Rank} are trained; the model's own stand still.");
        }
        return model;
    }

    internal override IReadOnlyList<Parameter> Besides => _adapters?.Parameters ?? [];

    internal override TrainerOptions Options(int steps, int batch, int seed) => new()
    {
        Steps = steps,
        LearningRate = LearningRate,
        WarmupSteps = steps / 10,
        WeightDecay = 0.1,
        Data = $"{_training.Files.Count} pairs of {_asked.Captions} of seed {seed} in batches of {batch}",
    };

    internal override Func<long, TrainingBatch> Batches(ITokenizer tokenizer, int batch, int seed) =>
        (_batches = new PairBatches(_training, _encoder.Processor, batch, seed)).Batch;

    /// <summary>The first 100 of the images held out, each with its first caption.</summary>
    private protected override (Tensor Pixels, Tensor Ids) Looked(ITokenizer tokenizer)
    {
        _looked ??= Pixels(out _lookedAt).DetachFromDisposeScope();
        return (_looked, _encoder.Processor.Texts(_lookedAt));
    }

    internal override void Save(ClipModel model, string folder)
    {
        if (_adapters is not null)
        {
            SaveAdapters(_adapters, Path.Combine(folder, "adapter"));
            _adapters.Merge();
        }
        bool isOpenClip = CheckpointFolder.Find(_source).IsOpenClip;
        ClipCheckpoint.SavePretrained(model, folder, isOpenClip ? CheckpointLayout.OpenClip : CheckpointLayout.HuggingFace);
    }

    internal override int End()
    {
        var after = Retrieve();
        Terminal.WriteLine($"Before: {Said(_before!)}.");
        Terminal.WriteLine($"After:  {Said(after)}.");
        return _batches!.Unreadable == 0 ? ExitCode.Success : ExitCode.Failed;
    }

    public override void Dispose()
    {
        _looked?.Dispose();
        _adapters?.Dispose();
        _encoder.Dispose();
        base.Dispose();
    }

    private void SaveAdapters(LowRankAdapters adapters, string folder)
    {
        try
        {
            adapters.Save(folder, _asked.From);
        }
        catch (ArgumentException problem)
        {
            Terminal.WriteError($"clipbook: {problem.Message} The adapters are merged into the weights, and not written by themselves.");
        }
    }

    private RetrievalReport Retrieve()
    {
        _encoder.Model.eval();
        var (report, unreadable) = _heldOut.Evaluate(_encoder);
        if (_before is null)
            foreach (var image in unreadable) Terminal.WriteError($"clipbook: {image.Problem} It is left out.");
        return report;
    }

    private Tensor Pixels(out string[] captions)
    {
        var images = ImageFiles.Prepare(_heldOut.Files.Take(Most), _encoder.Processor.Transform, Most).First();
        int[] read = [.. Enumerable.Range(0, images.Count).Where(i => images[i].Pixels is not null)];
        captions = [.. read.Select(i => _heldOut.Captions[_heldOut.ImageOf.Index().First(entry => entry.Item == i).Index])];
        int side = _encoder.Processor.Transform.Config.Size;
        return tensor((float[])[.. read.SelectMany(i => images[i].Pixels!)], [read.Length, 3, side, side]);
    }

    private static string Said(RetrievalReport report) => "held-out "
        + string.Join(", ", report.At.Select(at => $"text to image @{at.K} {at.TextToImageHitRate:p1}")) + "; "
        + string.Join(", ", report.At.Select(at => $"image to text @{at.K} {at.ImageToTextHitRate:p1}"));

    /// <summary>What the command was given.</summary>
    /// <param name="From">The model's folder or Hub id.</param>
    /// <param name="Images">The folder that the image paths in the captions file are relative to.</param>
    /// <param name="Captions">A .json, .csv or .tsv file.</param>
    /// <param name="LowRank">Whether low-rank adapters are trained instead of the model's own weights.</param>
    /// <param name="Rank">The adapters' rank r.</param>
    /// <param name="LearningRate">The largest learning rate; null for the default.</param>
    /// <param name="HeldOut">The share of the images that is not trained on.</param>
    internal sealed record Request(string From, string Images, string Captions, bool LowRank, int Rank, double? LearningRate,
        double HeldOut);
}
