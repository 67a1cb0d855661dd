namespace ClipNotebooks.Clip.Inference;

/// <summary>The element type in which a prepared model's blocks run (<see cref="PreparedClip"/>).</summary>
public enum Precision
{
    /// <summary>
    /// float32: equal to the plain model except for the order of sums (embeddings keep a cosine similarity of at least 0.999999).
    /// </summary>
    Float32,

    /// <summary>
    /// bfloat16, 8 bits of mantissa: fast where the processor or the GPU has instructions for it. Embeddings keep a cosine similarity of at
    /// least 0.999 with those of float32. On the embedded model and 1,100 held-out scenes the least is 0.99996, no answer of 44 classes
    /// changes, and a probability moves by 0.021 at most.
    /// </summary>
    BFloat16,

    /// <summary>
    /// float16, 11 bits of mantissa and a range up to 65,504: for GPUs, especially older ones without bfloat16. A processor without float16
    /// instructions is slower in it than in float32. Embeddings keep a cosine similarity of at least 0.999 with those of float32.
    /// </summary>
    Float16,

    /// <summary>
    /// The fastest on this machine that deviates no more than bfloat16; <see cref="PreparedClip.Precision"/> says what was chosen,
    /// <see cref="PreparedClip.Description"/> why.
    /// </summary>
    Auto,
}
