using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Text;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ClipNotebooks.Cli.Commands;

/// <summary>What `clipbook train` can train on: a recipe of data, model and measure.</summary>
internal abstract class TrainingWorld : IDisposable
{
    /// <summary>The default number of steps.</summary>
    internal abstract int Steps { get; }

    /// <summary>The default number of pairs in a batch.</summary>
    internal abstract int Batch { get; }

    /// <summary>The most pairs that a batch can have.</summary>
    internal virtual int MostPairs => int.MaxValue;

    /// <summary>The longest row of token ids.</summary>
    internal abstract int ContextLength { get; }

    /// <summary>The word for the items of a batch, such as "pairs".</summary>
    internal abstract string Pairs { get; }

    /// <summary>The command-line arguments that ask for the same world again, with a space before them; may be empty.</summary>
    internal abstract string Arguments { get; }

    /// <summary>The default folder of the model.</summary>
    internal abstract string Output { get; }

    /// <summary>The default number of steps for batches of this size.</summary>
    internal virtual int StepsOf(int batch) => Steps;

    /// <summary>A command that measures the result.</summary>
    internal virtual string Measure(string folder) => $"clipbook evaluate{Arguments} --model {Terminal.Word(folder)}";

    internal abstract ITokenizer WriteVocabulary(string folder);

    /// <summary>Reads the vocabulary that an earlier run wrote.</summary>
    internal virtual ITokenizer ReadVocabulary(string folder) => ClipTokenizer.Load(folder, ContextLength);

    internal abstract ClipModel Create(ITokenizer tokenizer, int seed);

    /// <summary>Parameters that are trained besides the model's own; this object disposes them.</summary>
    internal virtual IReadOnlyList<Parameter> Besides => [];

    /// <summary>How it is trained.</summary>
    internal abstract TrainerOptions Options(int steps, int batch, int seed);

    /// <summary>The batch of a step.</summary>
    internal abstract Func<long, TrainingBatch> Batches(ITokenizer tokenizer, int batch, int seed);

    /// <summary>
    /// How well the model does on some of what is held out, in a few words: text → image recall@1. The model is left in evaluation mode.
    /// </summary>
    internal string HeldOut(ClipModel model, ITokenizer tokenizer)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        model.eval();
        var (pixels, ids) = Looked(tokenizer);
        var (images, texts) = (Unit(model.EncodeImage(pixels)), Unit(model.EncodeText(ids)));
        return $"held-out R@1 of {ids.shape[0]}: {Retrieval.RecallAt(texts.mm(images.t()), 1):p0}";

        static Tensor Unit(Tensor x) => nn.functional.normalize(x, p: 2, dim: -1);
    }

    /// <summary>Some held-out pairs: pixels (B, 3, R, R) and token ids (B, L).</summary>
    private protected abstract (Tensor Pixels, Tensor Ids) Looked(ITokenizer tokenizer);

    internal abstract void Save(ClipModel model, string folder);

    /// <summary>Prints the result after the model was written.</summary>
    /// <returns>The exit code.</returns>
    internal virtual int End() => ExitCode.Success;

    public virtual void Dispose()
    {
    }
}
