using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Text;
using TorchSharp.Modules;

namespace ClipNotebooks.Cli.Commands;

/// <summary>What `clipbook train` can train on: a recipe of data, model and measure.</summary>
internal abstract class TrainingWorld : IDisposable
{
    /// <summary>Steps where none are asked for.</summary>
    internal abstract int Steps { get; }

    /// <summary>The pairs of a batch where no number is asked for.</summary>
    internal abstract int Batch { get; }

    /// <summary>The most pairs that a batch can have.</summary>
    internal virtual int MostPairs => int.MaxValue;

    /// <summary>The longest row of token ids.</summary>
    internal abstract int ContextLength { get; }

    /// <summary>What a batch is counted in.</summary>
    internal abstract string Pairs { get; }

    /// <summary>Arguments by which the same world is asked for again, with a space before them; or nothing.</summary>
    internal abstract string Arguments { get; }

    /// <summary>The model's folder where none is asked for.</summary>
    internal abstract string Output { get; }

    /// <summary>The steps of a run in batches of so many pairs, where no number is asked for.</summary>
    internal virtual int StepsOf(int batch) => Steps;

    /// <summary>A command that measures the result.</summary>
    internal virtual string Measure(string folder) => $"clipbook evaluate{Arguments} --model {Terminal.Word(folder)}";

    internal abstract ITokenizer WriteVocabulary(string folder);

    /// <summary>The vocabulary that a run before has written.</summary>
    internal virtual ITokenizer ReadVocabulary(string folder) => ClipTokenizer.Load(folder, ContextLength);

    internal abstract ClipModel Create(ITokenizer tokenizer, int seed);

    /// <summary>What is trained besides the model's own parameters; theirs who gives them.</summary>
    internal virtual IReadOnlyList<Parameter> Besides => [];

    /// <summary>How it is trained.</summary>
    internal abstract TrainerOptions Options(int steps, int batch, int seed);

    /// <summary>The batch of a step.</summary>
    internal abstract Func<long, TrainingBatch> Batches(ITokenizer tokenizer, int batch, int seed);

    /// <summary>How well the model does on some of what is held out, in a few words; the model is left in evaluation mode.</summary>
    internal abstract string HeldOut(ClipModel model, ITokenizer tokenizer);

    internal abstract void Save(ClipModel model, string folder);

    /// <summary>Says what came of it, when it is written.</summary>
    /// <returns>The exit code.</returns>
    internal virtual int End() => ExitCode.Success;

    public virtual void Dispose()
    {
    }
}
