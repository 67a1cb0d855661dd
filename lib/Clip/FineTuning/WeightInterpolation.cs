using ClipNotebooks.Clip.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.FineTuning;

/// <summary>
/// Interpolates between the weights of a model before and after fine-tuning: near the middle, the result often keeps the abilities of both
/// (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", WiSE-FT).
/// </summary>
public static class WeightInterpolation
{
    /// <summary>
    /// (1 − share) · before + share · after for every floating-point parameter and buffer; other buffers are taken from
    /// <paramref name="after"/>.
    /// </summary>
    /// <param name="before">The zero-shot model; it is not changed.</param>
    /// <param name="after">The same model, fine-tuned; it is not changed.</param>
    /// <param name="share">0 gives the first, 1 the second.</param>
    /// <returns>A new model, in evaluation mode; the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The models differ in shape, or the share is not finite.</exception>
    /// <exception cref="InvalidOperationException">One has low-rank adapters that are not merged.</exception>
    public static ClipModel Between(ClipModel before, ClipModel after, double share)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        if (!double.IsFinite(share)) throw new ArgumentException(
            $"The share is {share}: a number between 0 and 1 is usual.", nameof(share));
        before.RequireMerged("a point between two models");
        after.RequireMerged("a point between two models");
        var (from, to) = (before.state_dict(), after.state_dict());
        foreach (var (name, tensor) in from)
        {
            if (!to.TryGetValue(name, out var other) || !tensor.shape.AsSpan().SequenceEqual(other.shape))
                throw new ArgumentException($"The models are of two shapes: they differ in {name}. Take a model and its own fine-tuned " +
                    $"form.",
                    nameof(after));
        }
        var model = new ClipModel(before.Config, before.LogitScale.device);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        model.to(before.LogitScale.dtype);
        foreach (var (name, tensor) in model.state_dict())
        {
            var (a, b) = (from[name], to[name].to(from[name].device));
            tensor.copy_(tensor.is_floating_point() ? a.Times(1 - share).Plus(b.Times(share)) : b);
        }
        model.eval();
        return model;
    }
}
