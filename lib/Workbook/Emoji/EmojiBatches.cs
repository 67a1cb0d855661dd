using System.Numerics;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Workbook.Scenes;
using ClipNotebooks.Workbook.Training;

namespace ClipNotebooks.Workbook.Emoji;

/// <summary>
/// Batches of emoji in several styles for training: place, size, angle, tint and background are random. Each pair of a batch is about
/// another concept; only the second thing of a picture of two may be any concept. Batch k depends only on the constructor's arguments and
/// k, so a run can be resumed. Holds all pictures in memory. Safe to call from several threads.
/// </summary>
public sealed class EmojiBatches
{
    private const float Pairs = 0.08f, Repeats = 0.04f;

    private static readonly string[] Harmless = ["Animals & Nature", "Food & Drink"], Sides = ["left", "right"];

    private readonly EmojiConcept[] _concepts;
    private readonly EmojiPicture[][] _pictures;
    private readonly ITokenizer _tokenizer;
    private readonly ClipImageTransform _transform;
    private readonly int _size;
    private readonly ulong _seed;

    /// <summary>Reads the pictures of the styles to train on.</summary>
    /// <param name="data">The data.</param>
    /// <param name="tokenizer">Makes token ids; captions are cut at its context length.</param>
    /// <param name="transform">Makes pixels.</param>
    /// <param name="size">B, the pairs of a batch; at most the number of concepts.</param>
    /// <param name="seed">Chooses the sequence of pictures.</param>
    /// <exception cref="ArgumentException">There are fewer concepts than B.</exception>
    /// <exception cref="InvalidDataException">A picture is missing or damaged.</exception>
    public EmojiBatches(EmojiData data, ITokenizer tokenizer, ClipImageTransform transform, int size, int seed)
    {
        ArgumentNullException.ThrowIfNull(data);
        var styles = data.Manifest.TrainingStyles;
        _concepts = [.. data.Concepts.Where(concept => concept.Styles.Any(styles.Contains))];
        if (size > _concepts.Length)
            throw new ArgumentException($"A batch of {size} needs as many concepts; there are {_concepts.Length}.", nameof(size));
        _pictures = [.. _concepts.Select(concept => concept.Styles.Where(styles.Contains).Select(style =>
        {
            using var image = data.Picture(style, concept);
            return new EmojiPicture(image);
        }).ToArray())];
        (_tokenizer, _transform, _size, _seed) = (tokenizer, transform, size, (ulong)seed);
    }

    /// <summary>The batch of a step.</summary>
    /// <returns>Pixels (B, 3, R, R) and token ids (B, L), L being the longest caption's.</returns>
    public TrainingBatch Batch(long step)
    {
        int[] order = Draw(step);
        return SmallClip.Batch(_tokenizer, _transform, _size, i => Pair(step, i, order[i]));
    }

    /// <summary>The pictures and captions of a step, to look at.</summary>
    /// <param name="step">The step.</param>
    /// <param name="count">How many pairs, at most B.</param>
    public IReadOnlyList<(RasterImage Image, string Caption)> Look(long step, int count)
    {
        int[] order = Draw(step);
        return [.. Enumerable.Range(0, Math.Min(count, _size)).Select(i => Pair(step, i, order[i]))];
    }

    /// <summary>The concepts in random order; the first B are those of the batch.</summary>
    private int[] Draw(long step)
    {
        var dice = new Dice(Dice.Seed(_seed, (ulong)step));
        int[] order = [.. Enumerable.Range(0, _concepts.Length)];
        for (int i = 0; i < _size; i++)
        {
            int other = i + dice.Below(order.Length - i);
            (order[i], order[other]) = (order[other], order[i]);
        }
        return order;
    }

    private (RasterImage Image, string Caption) Pair(long step, int row, int concept)
    {
        var dice = new Dice(Dice.Seed(_seed, (ulong)step, (ulong)row + 1));
        int side = _transform.Config.Size;
        var layer = new Vector4[side * side];
        float layout = dice.Between(0, 1);
        string caption;
        if (layout < Pairs)
        {
            int other = dice.Below(_concepts.Length);
            Lay(concept, 0.27f, 0.46f);
            Lay(other, 0.73f, 0.46f);
            caption = EmojiCaptions.Two(_concepts[concept], _concepts[other], dice);
        }
        else if (layout < Pairs + Repeats)
        {
            int count = 2 + dice.Below(2), style = dice.Below(_pictures[concept].Length);
            for (int i = 0; i < count; i++) Lay(concept, (i + 0.5f) / count, 0.92f / count, style);
            caption = EmojiCaptions.Several(_concepts[concept], count, dice);
        }
        else
        {
            float size = dice.Between(0.55f, 1.05f), room = Math.Max(0, 1 - size) / 2;
            Put(concept, dice.Below(_pictures[concept].Length), 0.5f + dice.Between(-room, room), 0.5f + dice.Between(-room, room), size);
            caption = EmojiCaptions.One(_concepts[concept], dice);
        }
        EmojiHand.Change(layer, side, dice);
        return (OnGround(layer, side, dice), caption);

        void Lay(int of, float x, float size, int style = -1) => Put(of, style < 0 ? dice.Below(_pictures[of].Length) : style,
            x + dice.Between(-0.02f, 0.02f), 0.5f + dice.Between(-0.2f, 0.2f), size * dice.Between(0.85f, 1.05f));

        void Put(int of, int style, float x, float y, float size)
        {
            float degrees = (dice.Between(-8, 8) + dice.Between(-8, 8));
            bool flip = dice.Below(2) == 0 && Turns(_concepts[of]);
            _pictures[of][style].Draw(layer, side, (x * side, y * side, size * side, degrees, flip));
        }
    }

    /// <summary>Whether a concept's picture may be mirrored.</summary>
    private static bool Turns(EmojiConcept concept) => Harmless.Contains(concept.Group)
        && !Sides.Any(side => concept.English.Name.Contains(side, StringComparison.Ordinal));

    /// <summary>Puts the layer on a background: mostly white, else a random colour, which may run into another.</summary>
    private static RasterImage OnGround(Vector4[] layer, int side, Dice dice)
    {
        var (from, to) = (new Vector4(255), new Vector4(255));
        float kind = dice.Between(0, 1);
        if (kind > 0.55f)
        {
            float low = kind > 0.7f ? 0 : 190; // any colour, or a light one
            from = new Vector4(dice.Between(low, 255), dice.Between(low, 255), dice.Between(low, 255), 255);
            to = dice.Below(2) == 0 ? from : new Vector4(dice.Between(low, 255), dice.Between(low, 255), dice.Between(low, 255), 255);
        }
        byte[] rgb = new byte[3 * side * side];
        for (int i = 0; i < layer.Length; i++)
        {
            var ground = Vector4.Lerp(from, to, i / side / (float)(side - 1));
            var color = layer[i] + ground * (1 - layer[i].W / 255);
            (rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]) = (Byte(color.X), Byte(color.Y), Byte(color.Z));
        }
        return RasterImage.FromRgb(side, side, rgb);

        static byte Byte(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);
    }
}
