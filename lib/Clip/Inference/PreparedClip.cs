using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Base;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <summary>
/// A CLIP for inference only, made from a <see cref="ClipModel"/> by <see cref="Prepare"/>: both its towers as
/// <see cref="PreparedTower"/>s. While it is used, the model must stay alive and unchanged: the blocks' weights are copies, of the layers
/// before and after the blocks some are and some are the model's own. Thread-safe: if it is disposed while other threads encode, the
/// weights are freed once they have finished.
/// </summary>
public sealed class PreparedClip : IDisposable
{
    private readonly PreparedTower _image, _text;
    private readonly IDisposable? _hold;
    private readonly UseGate _gate;

    private PreparedClip(PreparedTower image, PreparedTower text, string reason, IDisposable? hold)
    {
        (_image, _text, _hold) = (image, text, hold);
        string? plain = (image.IsPlain, text.IsPlain) switch
        {
            (true, true) => "the image tower and the text tower",
            (true, false) => "the image tower",
            (false, true) => "the text tower",
            _ => null,
        };
        string own = plain is null ? "" : $"; {plain} in the model's own form, which has no other";
        Description = $"{image.ElementType}, products by {text.Products}: {reason}{own}";
        _gate = new UseGate(this, Free);
    }

    /// <summary>The precision of the blocks, never <see cref="Precision.Auto"/>.</summary>
    public Precision Precision => _image.Precision;

    /// <summary>One line that says what was chosen, and why.</summary>
    public string Description { get; }

    /// <summary>
    /// Makes the prepared form of a model. Towers with other blocks than CLIP's run as the model's own modules in the chosen precision,
    /// FastViT with its branches folded; ResNets always run in float32.
    /// </summary>
    /// <param name="model">In float32.</param>
    /// <param name="precision">The element type of the blocks.</param>
    /// <exception cref="ArgumentException">The model's weights are not in float32.</exception>
    /// <exception cref="InvalidOperationException">The model has low-rank adapters that are not merged.</exception>
    public static PreparedClip Prepare(ClipModel model, Precision precision = Precision.Auto) => Held(model, precision, null);

    /// <param name="model">In float32.</param>
    /// <param name="precision">The element type of the blocks.</param>
    /// <param name="hold">Keeps the model alive; disposed with the prepared weights, or at once if preparing fails.</param>
    internal static PreparedClip Held(ClipModel model, Precision precision, IDisposable? hold)
    {
        PreparedTower? image = null;
        try
        {
            ArgumentNullException.ThrowIfNull(model);
            model.RequireMerged("its prepared form");
            var (chosen, reason) = PreparedTower.Choice(precision, model.LogitScale.device_type);
            image = new PreparedTower(model.ImageTower, model.Config, chosen, reason);
            return new PreparedClip(image, new PreparedTower(model.Text, model.Config, chosen, reason), reason, hold);
        }
        catch
        {
            image?.Dispose();
            hold?.Dispose();
            throw;
        }
    }

    /// <summary>Pixels, (B, 3, R, R), float32, normalised → (B, E), float32, not normalised; without a gradient.</summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    /// <exception cref="ObjectDisposedException">The prepared form was disposed.</exception>
    public Tensor EncodeImage(Tensor pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        using var use = _gate.Enter();
        return _image.Encode(pixels);
    }

    /// <summary>
    /// Token ids, (B, L), int64 → (B, E), float32, not normalised; without a gradient. Shorter rows are faster: cut them to the longest
    /// caption.
    /// </summary>
    /// <exception cref="ArgumentException">The input has another shape; the message gives both.</exception>
    /// <exception cref="ObjectDisposedException">The prepared form was disposed.</exception>
    public Tensor EncodeText(Tensor ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        using var use = _gate.Enter();
        return _text.Encode(ids);
    }

    /// <summary>Frees the prepared weights, once the calls in progress have finished; the model is not disposed.</summary>
    public void Dispose() => _gate.Close();

    private void Free()
    {
        _image.Dispose();
        _text.Dispose();
        _hold?.Dispose();
    }
}
