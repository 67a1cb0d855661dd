using System.Buffers.Binary;
using System.Text;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>A piece of a SentencePiece model.</summary>
/// <param name="Text">Its text.</param>
/// <param name="Score">Its logarithmic probability.</param>
/// <param name="Type">1 normal, 2 unknown, 3 control, 4 defined by a user, 5 unused, 6 a byte.</param>
internal sealed record SentencePiece(string Text, float Score, int Type);

/// <summary>
/// A SentencePiece model's file (<c>sentencepiece_model.proto</c>), read as far as encoding needs it. (Microsoft.ML.Tokenizers 2.0.1
/// does not open the reference's SigLIP model, and gives 115 of the 144 texts of XLM-RoBERTa's the ids that SentencePiece gives.)
/// </summary>
/// <param name="Pieces">The pieces in the order of their ids.</param>
/// <param name="IsUnigram">Whether it is a unigram model.</param>
/// <param name="ByteFallback">Whether unknown text becomes byte tokens.</param>
/// <param name="Map">The table of replacements; null where texts stay as they are.</param>
/// <param name="RemovesSpaces">Whether spaces at the ends are removed, and runs of them collapsed.</param>
internal sealed record SentencePieceFile(IReadOnlyList<SentencePiece> Pieces, bool IsUnigram, bool ByteFallback, CharacterMap? Map,
    bool RemovesSpaces)
{
    private const int Varint = 0, Eight = 1, Bytes = 2, Four = 5;

    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    internal static SentencePieceFile Read(string path)
    {
        ModelFile.RequireReadable(path);
        try
        {
            var pieces = new List<SentencePiece>();
            bool unigram = true, byteFallback = false, removes = true;
            CharacterMap? map = null;
            foreach (var (field, _, message) in Fields(File.ReadAllBytes(path)))
            {
                if (field == 1)
                {
                    pieces.Add(Piece(message));
                }
                else if (field == 2)
                {
                    foreach (var (inner, number, _) in Fields(message))
                    {
                        if (inner == 3) unigram = number == 1;
                        if (inner == 35) byteFallback = number != 0;
                    }
                }
                else if (field == 3)
                {
                    foreach (var (inner, number, bytes) in Fields(message))
                    {
                        if (inner == 2 && bytes.Length > 0) map = new CharacterMap(bytes.Span);
                        if (inner == 4) removes = number != 0;
                    }
                }
            }
            if (pieces.Count == 0) throw new FormatException("it holds no pieces.");
            return new SentencePieceFile(pieces, unigram, byteFallback, map, removes);
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or IndexOutOfRangeException)
        {
            throw new InvalidDataException($"{path} is no SentencePiece model, or damaged: {exception.Message} Copy it anew from where " +
                $"the model came from.", exception);
        }
    }

    private static SentencePiece Piece(ReadOnlyMemory<byte> message)
    {
        var piece = new SentencePiece("", 0, 1);
        foreach (var (field, number, bytes) in Fields(message))
        {
            piece = field switch
            {
                1 => piece with { Text = Encoding.UTF8.GetString(bytes.Span) },
                2 when bytes.Length == 4 => piece with { Score = BinaryPrimitives.ReadSingleLittleEndian(bytes.Span) },
                3 => piece with { Type = (int)Math.Min(number, 7) },
                _ => piece,
            };
        }
        return float.IsFinite(piece.Score) ? piece : throw new FormatException($"the score of \"{piece.Text}\" is no number.");
    }

    /// <summary>The fields of a Protocol Buffers message: numbers as numbers, all else as bytes.</summary>
    private static IEnumerable<(ulong Field, ulong Number, ReadOnlyMemory<byte> Bytes)> Fields(ReadOnlyMemory<byte> message)
    {
        for (int at = 0; at < message.Length;)
        {
            ulong tag = Number(message.Span, ref at), number = 0;
            int length = (int)(tag & 7) switch
            {
                Varint => 0,
                Eight => 8,
                Four => 4,
                Bytes => Number(message.Span, ref at) is var size
                    && size <= (ulong)(message.Length - at) ? (int)size : throw new FormatException("a field reaches beyond its end."),
                _ => throw new FormatException($"it has a field of the kind {tag & 7}."),
            };
            if ((tag & 7) == Varint) number = Number(message.Span, ref at);
            if (length > message.Length - at) throw new FormatException("a field reaches beyond its end.");
            yield return (tag >> 3, number, message.Slice(at, length));
            at += length;
        }
    }

    private static ulong Number(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong number = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (at >= bytes.Length) break;
            byte next = bytes[at++];
            number |= (ulong)(next & 127) << shift;
            if (next < 128) return number;
        }
        throw new FormatException("a number has no end.");
    }
}
