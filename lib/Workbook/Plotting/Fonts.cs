using System.Buffers.Binary;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using SkiaSharp;

namespace ClipNotebooks.Workbook.Plotting;

/// <summary>
/// Inter (SIL Open Font License 1.1), which comes with the library: SkiaSharp finds no font on a machine without a desktop and then draws text as nothing, silently.
/// </summary>
internal static class Fonts
{
    private static readonly Lazy<IReadOnlyList<SKTypeface>> Faces = new(Load);

    internal static SKTypeface Regular => Weight(400);

    internal static SKTypeface SemiBold => Weight(600);

    private static SKTypeface Weight(int weight) => Faces.Value.MinBy(face => Math.Abs(face.FontWeight - weight) + (face.IsItalic ? 1000 : 0))!;

    /// <summary>The TrueType files lie one after another in the package's assembly, among its managed resources.</summary>
    private static List<SKTypeface> Load()
    {
        using var stream = typeof(Fonts).Assembly.GetManifestResourceStream("Inter")!;
        using var portable = new PEReader(stream);
        var metadata = portable.GetMetadataReader();
        int start = portable.PEHeaders.CorHeader!.ResourcesDirectory.RelativeVirtualAddress;
        var faces = new List<SKTypeface>();
        foreach (var handle in metadata.ManifestResources)
        {
            var block = portable.GetSectionData(start + (int)metadata.GetManifestResource(handle).Offset);
            int length = block.GetReader(0, 4).ReadInt32();
            faces.AddRange(Find([.. block.GetContent(4, length)]));
        }
        return faces.Count > 0 ? faces : throw new InvalidOperationException("The embedded font package holds no TrueType font.");
    }

    private static IEnumerable<SKTypeface> Find(byte[] resource)
    {
        for (int at = 0; at + 12 < resource.Length; at++)
        {
            if (BinaryPrimitives.ReadUInt32BigEndian(resource.AsSpan(at)) != 0x00010000 || Length(resource.AsSpan(at)) is not { } length) continue;
            using var data = SKData.CreateCopy(resource.AsSpan(at, length));
            if (SKTypeface.FromData(data) is { } face) yield return face;
            at += length - 1;
        }
    }

    /// <summary>The length of the font that begins here, by its table directory; none if there is no font.</summary>
    private static int? Length(ReadOnlySpan<byte> bytes)
    {
        int tables = BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        if (tables is < 8 or > 40 || 12 + 16 * tables > bytes.Length) return null;
        long end = 0;
        bool outlines = false;
        for (int i = 0; i < tables; i++)
        {
            var record = bytes.Slice(12 + 16 * i, 16);
            outlines |= Encoding.ASCII.GetString(record[..4]) == "glyf";
            end = Math.Max(end, (long)BinaryPrimitives.ReadUInt32BigEndian(record[8..]) + BinaryPrimitives.ReadUInt32BigEndian(record[12..]));
        }
        return outlines && end <= bytes.Length ? (int)end : null;
    }
}
