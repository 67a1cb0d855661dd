using System.Globalization;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// The checkpoints of one run in a folder, <c>train-STEP.checkpoint</c>: the last two are kept, so that a run can continue from the older
/// if the newer is damaged. Each is written beside its destination, flushed, then renamed, and has a checksum: a process that is killed at
/// any moment leaves the finished checkpoints intact. Not thread-safe, and for one process at a time.
/// </summary>
/// <param name="folder">The folder; made when the first is saved.</param>
public sealed class TrainingCheckpoints(string folder)
{
    private const string Prefix = "train-", Ending = ".checkpoint";
    private const int Kept = 2;

    /// <summary>The checkpoints' paths, the newest first.</summary>
    public IReadOnlyList<string> Paths => [.. Found().OrderByDescending(found => found.Step).Select(found => found.Path)];

    /// <summary>The newest checkpoint's step by its name; null where there is none.</summary>
    public long? Step => Found().Select(found => (long?)found.Step).Max();

    /// <summary>The step whose state this object saved or resumed from last; null before the first.</summary>
    internal long? Current { get; private set; }

    /// <summary>
    /// Saves the trainer's state and removes all but the last two. Those of later steps go too: they are damaged ones that
    /// <see cref="Resume"/> skipped, or of a run that was begun anew, and would be taken for the newest.
    /// </summary>
    /// <returns>The checkpoint's path.</returns>
    /// <exception cref="IOException">The checkpoint cannot be written; earlier ones are unchanged.</exception>
    public string Save(ClipTrainer trainer)
    {
        ArgumentNullException.ThrowIfNull(trainer);
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{trainer.Step}{Ending}"));
        trainer.Save(path);
        Current = trainer.Step;
        var found = Found().ToList();
        var kept = found.Where(one => one.Step <= trainer.Step).OrderByDescending(one => one.Step).Take(Kept);
        foreach (var (old, _) in found.Except(kept)) File.Delete(old);
        DeleteParts();
        return path;
    }

    /// <summary>Continues from the newest intact checkpoint, and removes the unfinished files of a killed process.</summary>
    /// <returns>Why newer ones were skipped; empty if the newest was used.</returns>
    /// <exception cref="FileNotFoundException">There is no checkpoint.</exception>
    /// <exception cref="InvalidDataException">No checkpoint can be resumed from; the message says why for each.</exception>
    public IReadOnlyList<string> Resume(ClipTrainer trainer)
    {
        ArgumentNullException.ThrowIfNull(trainer);
        var paths = Paths;
        if (paths.Count == 0)
            throw new FileNotFoundException($"There is no checkpoint to resume from in {folder}: no {Prefix}STEP{Ending}.");
        var problems = new List<string>();
        foreach (string path in paths)
        {
            try
            {
                trainer.Resume(path);
                Current = trainer.Step;
                DeleteParts();
                return problems;
            }
            catch (InvalidDataException problem)
            {
                problems.Add(problem.Message);
            }
        }
        throw new InvalidDataException(string.Join(" ", problems));
    }

    /// <summary>Removes all checkpoints, once the run has ended and its result is written.</summary>
    public void Delete()
    {
        foreach (string path in Paths) File.Delete(path);
        DeleteParts();
    }

    /// <summary>Removes the unfinished files of a killed process.</summary>
    private void DeleteParts() => AtomicFile.DeleteParts(folder, $"{Prefix}*{Ending}");

    private IEnumerable<(string Path, long Step)> Found()
    {
        if (!Directory.Exists(folder)) yield break;
        foreach (string path in Directory.GetFiles(folder, $"{Prefix}*{Ending}"))
        {
            var name = Path.GetFileName(path.AsSpan());
            if (long.TryParse(name[Prefix.Length..^Ending.Length], NumberStyles.None, CultureInfo.InvariantCulture, out long step))
                yield return (path, step);
        }
    }
}
