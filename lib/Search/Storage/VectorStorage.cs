namespace ClipNotebooks.Search.Storage;

/// <summary>How an index stores its vectors on disk.</summary>
public enum VectorStorage
{
    /// <summary>Four bytes a value: scores are those of the model's own embeddings.</summary>
    Float32,

    /// <summary>Two bytes a value: half the file and half the time of a search; scores differ by less than 0.001.</summary>
    Float16,
}
