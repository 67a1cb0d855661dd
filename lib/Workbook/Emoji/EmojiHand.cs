using System.Numerics;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Workbook.Emoji;

/// <summary>
/// Changes a drawing as another designer's hand might: other tints, gray, dark lines where colours meet. Without this, a model that sees
/// only three designers would take their colours and edges for the thing itself.
/// </summary>
internal static class EmojiHand
{
    private const float Tinted = 0.8f, Gray = 0.04f, Lined = 0.35f;

    /// <param name="layer">R · R premultiplied colours (colour times opacity), 0 to 255; changed in place.</param>
    /// <param name="side">R, the layer's side in pixels.</param>
    /// <param name="dice">Decides which changes are made.</param>
    internal static void Change(Vector4[] layer, int side, Dice dice)
    {
        bool gray = dice.Between(0, 1) < Gray;
        if (dice.Between(0, 1) < Tinted || gray) Tint(layer, gray ? 0 : dice.Between(0.6f, 1.4f), dice);
        if (dice.Between(0, 1) < Lined) Line(layer, side, dice.Between(0.15f, 0.3f), dice.Between(0.5f, 1));
    }

    /// <summary>Changes the saturation, the hue a little, and the brightness of each channel.</summary>
    private static void Tint(Vector4[] layer, float saturation, Dice dice)
    {
        float turn = dice.Between(-0.15f, 0.15f);
        var gain = new Vector3(dice.Between(0.85f, 1.15f), dice.Between(0.85f, 1.15f), dice.Between(0.85f, 1.15f));
        for (int i = 0; i < layer.Length; i++)
        {
            var color = layer[i];
            if (color.W <= 0) continue;
            var rgb = new Vector3(color.X, color.Y, color.Z);
            float luma = Vector3.Dot(rgb, new Vector3(0.299f, 0.587f, 0.114f));
            var chroma = (rgb - new Vector3(luma)) * saturation;
            // A small turn of hue: each channel takes a part of the next one's colour.
            chroma += turn * new Vector3(chroma.Y - chroma.Z, chroma.Z - chroma.X, chroma.X - chroma.Y);
            rgb = Vector3.Clamp((new Vector3(luma) + chroma) * gain, Vector3.Zero, new Vector3(color.W));
            layer[i] = new Vector4(rgb, color.W);
        }
    }

    /// <summary>Darkens where colour or opacity changes, as an outline does.</summary>
    private static void Line(Vector4[] layer, int side, float threshold, float strength)
    {
        float[] dark = new float[layer.Length];
        for (int y = 1; y < side - 1; y++)
            for (int x = 1; x < side - 1; x++)
            {
                int at = y * side + x;
                float edge = Math.Max(Change(layer[at + 1] - layer[at - 1]), Change(layer[at + side] - layer[at - side]));
                dark[at] = Math.Clamp((edge - threshold) / threshold, 0, 1) * strength;
            }
        for (int i = 0; i < layer.Length; i++)
        {
            float keep = 1 - dark[i];
            layer[i] *= new Vector4(keep, keep, keep, 1);
        }

        static float Change(Vector4 step) => (Math.Abs(step.X) + Math.Abs(step.Y) + Math.Abs(step.Z) + Math.Abs(step.W)) / (4 * 255);
    }
}
