namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>The part of a tokenizer that was learnt: from a piece of text to ids.</summary>
internal interface ISubwords
{
    /// <summary>The tokens with their ids.</summary>
    IReadOnlyDictionary<string, int> Ids { get; }

    /// <summary>Appends the ids of a piece that is not empty. Time grows with the piece's length alone, but for a logarithm.</summary>
    void Encode(string piece, List<int> ids);
}
