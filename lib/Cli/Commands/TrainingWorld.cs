using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Text;

namespace ClipNotebooks.Cli.Commands;

/// <summary>What `clipbook train` can train on: a recipe of data, model and measure.</summary>
internal abstract class TrainingWorld
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

    internal abstract ClipTokenizer WriteVocabulary(string folder);

    internal abstract ClipModel Create(ClipTokenizer tokenizer, int seed);

    /// <summary>How it is trained.</summary>
    internal abstract TrainerOptions Options(int steps, int batch, int seed);

    /// <summary>The batch of a step.</summary>
    internal abstract Func<long, TrainingBatch> Batches(ClipTokenizer tokenizer, int batch, int seed);

    /// <summary>How well the model does on some of what is held out, in a few words; the model is left in evaluation mode.</summary>
    internal abstract string HeldOut(ClipModel model, ClipTokenizer tokenizer);

    internal abstract void Save(ClipModel model, string folder);
}
