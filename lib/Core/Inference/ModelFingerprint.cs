using System.Security.Cryptography;
using System.Text;

namespace ClipNotebooks.Core.Inference;

/// <summary>What a model is named by (<see cref="IClipEncoder.Fingerprint"/>).</summary>
internal static class ModelFingerprint
{
    /// <summary>Under which name an exported graph carries the fingerprint of the model that it was made from.</summary>
    internal const string Key = "clip_fingerprint";

    // Words, figures, marks and a case that must be folded: two vocabularies that agree on all of them are the same for captions.
    private const string Probe = "The quick brown fox jumps over 12 lazy dogs; a photo of a sunset over the ocean, isn't it?";

    /// <summary>64 hexadecimal digits: SHA-256 of the weights, and then of what the processor makes of images and captions.</summary>
    /// <param name="processor">The model's.</param>
    /// <param name="weights">Adds what decides the embeddings beside the processor.</param>
    internal static string Of(ClipProcessor processor, Action<IncrementalHash> weights)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        weights(hash);
        var (transform, tokenizer) = (processor.Transform.Config, processor.Tokenizer);
        Append(hash, FormattableString.Invariant(
            $"{transform.ResizeSize} {transform.Size} {transform.ResizeMode} {transform.Interpolation}"));
        if (transform.Patches is { } patches) Append(hash, FormattableString.Invariant($"{patches.Side} {patches.Most}"));
        foreach (float value in transform.Mean.Concat(transform.Std)) Append(hash, FormattableString.Invariant($"{value:R}"));
        Append(hash, FormattableString.Invariant($"{tokenizer.VocabularySize} {string.Join(' ', tokenizer.Encode(Probe))}"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Adds a line.</summary>
    internal static void Append(IncrementalHash hash, string text) => hash.AppendData(Encoding.UTF8.GetBytes(text + "\n"));
}
