namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>The learnt part of a tokenizer, which turns a piece of text into ids.</summary>
internal interface ISubwords
{
    /// <summary>The tokens with their ids.</summary>
    IReadOnlyDictionary<string, int> Ids { get; }

    /// <summary>Appends the ids of a piece that is not empty. Takes time in proportion to the piece's length n, or to n log n.</summary>
    void Encode(string piece, List<int> ids);
}
