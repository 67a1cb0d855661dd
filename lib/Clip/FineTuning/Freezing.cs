using System.IO.Enumeration;
using ClipNotebooks.Clip.Models;
using TorchSharp.Modules;

namespace ClipNotebooks.Clip.FineTuning;

/// <summary>
/// Parameters that a training leaves as they are. A batch normalisation keeps statistics besides, which are no parameters and follow every
/// batch in training mode; <see cref="Training.ClipTrainer"/> leaves those of a frozen one as they are too.
/// </summary>
public static class Freezing
{
    /// <summary>The names of the image tower's parameters: frozen, training is LiT (Zhai et al. 2022, "locked-image tuning").</summary>
    public const string ImageTower = "visual.*";

    /// <summary>Takes parameters out of training, or back into it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="patterns">
    /// Names as in the model's state dict, with * for any run of characters: <c>visual.*</c>, <c>transformer.resblocks.0.*</c>.
    /// </param>
    /// <param name="frozen">Whether they stand still.</param>
    /// <returns>How many numbers the patterns name.</returns>
    /// <exception cref="ArgumentException">A pattern names no parameter.</exception>
    public static long Freeze(ClipModel model, IReadOnlyList<string> patterns, bool frozen = true)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(patterns);
        var named = new HashSet<Parameter>();
        foreach (string pattern in patterns)
        {
            var found = model.named_parameters().Where(pair =>
                FileSystemName.MatchesSimpleExpression(pattern, pair.name, ignoreCase: false))
                .ToList();
            if (found.Count == 0)
                throw new ArgumentException($"No parameter of the model is called \"{pattern}\". The first ones are " +
                    $"{string.Join(", ", model.named_parameters().Take(3).Select(pair => pair.name))}; * stands for any run of characters.",
                    nameof(patterns));
            named.UnionWith(found.Select(pair => pair.parameter));
        }
        foreach (var parameter in named) parameter.requires_grad = !frozen;
        return named.Sum(parameter => parameter.numel());
    }
}
