using System.IO.Enumeration;
using ClipNotebooks.Clip.Models;
using TorchSharp.Modules;

namespace ClipNotebooks.Clip.FineTuning;

/// <summary>
/// Excludes parameters from training. The running statistics of a batch normalisation are not parameters and change with every batch in
/// training mode; <see cref="Training.ClipTrainer"/> keeps those of a frozen one unchanged too.
/// </summary>
public static class Freezing
{
    /// <summary>
    /// Matches the image tower's parameters; training with these frozen is LiT (Zhai et al. 2022, "locked-image tuning").
    /// </summary>
    public const string ImageTower = "visual.*";

    /// <summary>Excludes parameters from training, or includes them again.</summary>
    /// <param name="model">The model.</param>
    /// <param name="patterns">
    /// Names as in the model's state dict, with * for any run of characters: <c>visual.*</c>, <c>transformer.resblocks.0.*</c>.
    /// </param>
    /// <param name="frozen">True to exclude them, false to include them again.</param>
    /// <returns>The number of elements in the parameters that the patterns match.</returns>
    /// <exception cref="ArgumentException">A pattern matches no parameter.</exception>
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
