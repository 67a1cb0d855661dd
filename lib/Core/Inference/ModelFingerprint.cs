using System.Security.Cryptography;
using System.Text;

namespace ClipNotebooks.Core.Inference;

/// <summary>Computes a model's fingerprint (<see cref="IClipEncoder.Fingerprint"/>).</summary>
internal static class ModelFingerprint
{
    /// <summary>The metadata key under which an exported graph carries the fingerprint of its source model.</summary>
    internal const string Key = "clip_fingerprint";

    // Words, digits, punctuation and a capital letter: two vocabularies that agree on all of them are taken to be the same for captions.
    private const string Probe = "The quick brown fox jumps over 12 lazy dogs; a photo of a sunset over the ocean, isn't it?";

    /// <summary>
    /// 64 hexadecimal digits: SHA-256 of the weights, the settings of the image transform, and the token ids of a probe text. Left out are
    /// <c>ConvertFirst</c> and <c>CropRoundsDown</c>, in which the two layouts of one model differ, and <c>CenterCrop</c>, without which
    /// only square images are taken: indexes hold fingerprints that lack them.
    /// </summary>
    /// <param name="processor">The model's processor.</param>
    /// <param name="weights">Adds to the hash what determines the embeddings apart from the processor.</param>
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

    /// <summary>Adds a line of text to the hash.</summary>
    internal static void Append(IncrementalHash hash, string text) => hash.AppendData(Encoding.UTF8.GetBytes(text + "\n"));
}
