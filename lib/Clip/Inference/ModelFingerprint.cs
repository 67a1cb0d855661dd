using System.Security.Cryptography;
using System.Text;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <summary>
/// Names a model by what decides its embeddings: the weights, the image transform and the tokenizer. Stored with embeddings, it tells
/// whether a model at hand is the one that made them.
/// </summary>
public static class ModelFingerprint
{
    // Words, figures, marks and a case that must be folded: two vocabularies that agree on all of them are the same for captions.
    private const string Probe = "The quick brown fox jumps over 12 lazy dogs; a photo of a sunset over the ocean, isn't it?";

    /// <summary>The fingerprint of a model with its processor.</summary>
    /// <returns>
    /// 64 hexadecimal digits: SHA-256 over parameter names, shapes and values. Values count as bfloat16, so that a model keeps its
    /// fingerprint when it is cast from float32 to bfloat16.
    /// </returns>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    public static string Of(ClipEncoder encoder)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        using var use = encoder.Enter();
        using var scope = NewDisposeScope();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, value) in encoder.Model.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            using var inner = NewDisposeScope();
            Append(hash, $"{name} ({string.Join(", ", value.shape)})");
            hash.AppendData(value.detach().to(bfloat16).cpu().contiguous().bytes);
        }
        var (transform, tokenizer) = (encoder.Processor.Transform.Config, encoder.Processor.Tokenizer);
        Append(hash, FormattableString.Invariant(
            $"{transform.ResizeSize} {transform.Size} {transform.ResizeMode} {transform.Interpolation}"));
        if (transform.Patches is { } patches) Append(hash, FormattableString.Invariant($"{patches.Side} {patches.Most}"));
        foreach (float value in transform.Mean.Concat(transform.Std)) Append(hash, FormattableString.Invariant($"{value:R}"));
        Append(hash, FormattableString.Invariant($"{tokenizer.VocabularySize} {string.Join(' ', tokenizer.Encode(Probe))}"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, string text) => hash.AppendData(Encoding.UTF8.GetBytes(text + "\n"));
}
