using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Inference;
using static TorchSharp.torch;

namespace ClipNotebooks.Cli.Commands;

/// <summary>
/// Batches of a user's pairs, read from their files. An epoch has each image at most once, with one of its captions chosen at random. No
/// caption is twice in a batch, since each copy would count as a wrong answer for the other's image. Batch k depends only on the pairs, the
/// batch size, the seed and k.
/// </summary>
/// <param name="pairs">The pairs.</param>
/// <param name="processor">Makes pixels and token ids.</param>
/// <param name="size">B, the pairs of a batch.</param>
/// <param name="seed">Chooses the sequence of batches.</param>
internal sealed class PairBatches(CaptionDataset pairs, ClipProcessor processor, int size, int seed)
{
    private readonly ILookup<int, int> _captions = pairs.ImageOf.Index().ToLookup(entry => entry.Item, entry => entry.Index);
    private readonly List<int[]> _planned = [];
    private readonly HashSet<string> _unreadable = new(StringComparer.Ordinal);
    private int _epochs;

    /// <summary>How many files could not be read and were left out; each is named on standard error when it is first met.</summary>
    internal int Unreadable => _unreadable.Count;

    /// <summary>The batch of a step: pixels (B, 3, R, R) and token ids (B, L), without the pairs whose image cannot be read.</summary>
    /// <exception cref="UserError">Fewer than two of its images can be read.</exception>
    internal TrainingBatch Batch(long step)
    {
        while (_planned.Count <= step) PlanEpoch();
        int[] captions = _planned[(int)step];
        var files = captions.Select(caption => pairs.Files[pairs.ImageOf[caption]]);
        var images = ImageFiles.Prepare(files, processor.Transform, captions.Length).Single();
        foreach (var image in images)
            if (image.Problem is { } problem && _unreadable.Add(image.Path))
                Terminal.WriteError($"clipbook: {problem} It is left out.");
        int[] read = [.. Enumerable.Range(0, images.Count).Where(i => images[i].Pixels is not null)];
        if (read.Length < 2) throw new UserError($"Of {images.Count} images of a batch {read.Length} can be read; two are needed.");
        int side = processor.Transform.Config.Size;
        float[] pixels = [.. read.SelectMany(i => images[i].Pixels!)];
        return new TrainingBatch(tensor(pixels, [read.Length, 3, side, side]),
            processor.Texts([.. read.Select(i => pairs.Captions[captions[i]])]));
    }

    /// <summary>
    /// Plans an epoch: the images in a new order, each with one caption. A caption that a batch already has waits for the next batch.
    /// </summary>
    private void PlanEpoch()
    {
        var random = new Random(unchecked(seed * 1_000_003 + _epochs++));
        int[] order = [.. Enumerable.Range(0, pairs.Files.Count).Select(image => random.GetItems([.. _captions[image]], 1)[0])];
        random.Shuffle(order);
        int before = _planned.Count;
        List<int> waiting = [.. order];
        while (waiting.Count >= 2)
        {
            var said = new HashSet<string>(StringComparer.Ordinal);
            int[] batch = [.. waiting.Where(caption => said.Count < size && said.Add(pairs.Captions[caption]))];
            if (batch.Length < 2 || batch.Length < size / 2 && _planned.Count > before) break; // the captions left are equal, or too few
            _planned.Add(batch);
            waiting = [.. waiting.Except(batch)];
        }
        if (_planned.Count == before)
            throw new UserError($"The {pairs.Files.Count} images to train on have one caption alone: a batch needs two that differ.");
    }
}
