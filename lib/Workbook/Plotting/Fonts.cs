using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using SkiaSharp;

namespace ClipNotebooks.Workbook.Plotting;

/// <summary>
/// Inter (SIL Open Font License 1.1, rsms.me/inter), which comes with the library: on a machine without a desktop SkiaSharp finds no font
/// and silently draws no text. Characters that Inter lacks, such as Hangul, are drawn with a font of the system if there is one.
/// </summary>
internal static class Fonts
{
    private static readonly Lazy<IReadOnlyDictionary<string, byte[]>> Package = new(Read);
    private static readonly Lazy<SKTypeface> LazyRegular = new(() => Load("Inter-Regular.ttf")),
        LazySemiBold = new(() => Load("Inter-SemiBold.ttf"));

    /// <summary>Weight 400.</summary>
    public static SKTypeface Regular => LazyRegular.Value;

    /// <summary>Weight 600.</summary>
    public static SKTypeface SemiBold => LazySemiBold.Value;

    /// <summary><paramref name="preferred"/>, unless it lacks a character of the text that a font of the system has.</summary>
    public static SKTypeface For(string text, SKTypeface preferred)
    {
        using var font = new SKFont(preferred);
        foreach (var rune in text.EnumerateRunes())
            if (font.GetGlyph(rune.Value) == 0 && SKFontManager.Default.MatchCharacter(rune.Value) is { } other) return other;
        return preferred;
    }

    private static SKTypeface Load(string file)
    {
        using var data = SKData.CreateCopy(Package.Value[file]);
        return SKTypeface.FromData(data) ?? throw new InvalidDataException($"{file} of the embedded font package is not a font.");
    }

    /// <summary>
    /// The files in the package's assembly. Its resource <c>!AvaloniaResources</c> is an index (its length, a version, a count; then path,
    /// offset and length of each file) and the files behind it.
    /// </summary>
    private static Dictionary<string, byte[]> Read()
    {
        using var assembly = new PEReader(typeof(Fonts).Assembly.GetManifestResourceStream("Inter")!);
        var metadata = assembly.GetMetadataReader();
        var entry = metadata.ManifestResources.Select(metadata.GetManifestResource)
            .Single(resource => metadata.GetString(resource.Name) == "!AvaloniaResources");
        var block = assembly.GetSectionData(assembly.PEHeaders.CorHeader!.ResourcesDirectory.RelativeVirtualAddress + (int)entry.Offset);
        byte[] resource = [.. block.GetContent(sizeof(int), block.GetReader(0, sizeof(int)).ReadInt32())];

        using var index = new BinaryReader(new MemoryStream(resource), Encoding.UTF8);
        int files = sizeof(int) + index.ReadInt32();
        index.ReadInt32();
        int count = index.ReadInt32();
        var found = new Dictionary<string, byte[]>();
        for (int i = 0; i < count; i++)
        {
            string path = index.ReadString();
            int offset = index.ReadInt32(), length = index.ReadInt32();
            found[Path.GetFileName(path)] = resource[(files + offset)..(files + offset + length)];
        }
        return found;
    }
}
