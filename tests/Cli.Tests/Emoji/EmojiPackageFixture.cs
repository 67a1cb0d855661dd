using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ClipNotebooks.Cli.Emoji;

namespace ClipNotebooks.Cli.Tests.Emoji;

/// <summary>Five packages in npm's form with a few drawings of the test's own: a shape a concept, a colour a designer.</summary>
internal static class EmojiPackageFixture
{
    private static readonly JsonSerializerOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What each designer draws, by code points as Iconify writes them: the icon's name, its body for a colour.</summary>
    private static readonly (string Id, string Name, string Group, string Body)[] Icons =
    [
        ("1f418", "elephant", "Animals & Nature", "<path d='M2 30V6h26v24h-8V20h-8v10z' fill='{0}'/>"),
        ("1f41f", "fish", "Animals & Nature", "<path d='M2 16L16 8L24 14L30 8V24L24 18L16 24z' fill='{0}'/>"),
        ("1f34e", "red-apple", "Food & Drink", "<circle cx='16' cy='18' r='11' fill='{0}'/>"),
        ("2764-fe0f", "red-heart", "Smileys & Emotion", "<path d='M16 30L2 14L8 4L16 10L24 4L30 14z' fill='{0}'/>"),
        ("1f449", "backhand-index-pointing-right", "People & Body", ""),
        ("1f448", "backhand-index-pointing-left", "People & Body", "<path d='M0 12h16v12H0z' fill='{0}'/>"),
        ("1f9d1-200d-1f680", "astronaut", "People & Body", "<rect x='8' y='2' width='16' height='28' fill='{0}'/>"),
        ("1f469-200d-1f680", "woman-astronaut", "People & Body", "<rect x='8' y='2' width='16' height='28' fill='{0}'/>"),
        ("1f3c3-200d-2642-fe0f", "man-running", "People & Body", "<rect x='2' y='8' width='28' height='16' fill='{0}'/>"),
        ("1f3c3", "person-running", "People & Body", "<rect x='2' y='8' width='27' height='16' fill='{0}'/>"),
        ("1f44b-1f3fd", "waving-hand-medium-skin-tone", "People & Body", "<rect x='2' y='2' width='9' height='9' fill='{0}'/>"),
        ("1f46a", "family", "People & Body", "<rect x='20' y='20' width='9' height='9' fill='{0}'/>"),
        ("1f9d1-200d-1f9d1-200d-1f9d2", "three", "People & Body", "<rect x='20' y='20' width='9' height='9' fill='{0}'/>"),
        ("1f6f8", "flying-saucer", "Travel & Places", "<ellipse cx='16' cy='16' rx='14' ry='5' fill='{0}'/>"),
        ("1fae0", "melting-face", "Smileys & Emotion", "<ellipse cx='16' cy='20' rx='14' ry='9' fill='{0}'/>"),
    ];

    private static readonly (string Emoji, string English, string[] Keywords, string? Korean, string[] Words)[] Names =
    [
        ("{", "open curly bracket", ["bracket"], "여는 중괄호", ["괄호"]),
        ("🐘", "elephant", ["animal", "gray", "heavy", "trunk", "zoo"], "코끼리", ["동물", "회색", "코", "큰", "상아"]),
        ("🐟", "fish", ["animal", "sea", "swim", "Pisces", "dinner", "fishing"], "물고기", ["동물", "바다", "생선"]),
        ("🍎", "red apple", ["apple", "fruit", "red", "food"], "빨간 사과", ["과일", "사과"]),
        ("❤", "red heart", ["heart", "love", "emotion"], "빨간색 하트", ["사랑", "하트", "감정"]),
        ("👉", "backhand index pointing right", ["finger", "hand", "direction"], "오른쪽을 가리키는 손", ["방향", "손가락"]),
        ("👈", "backhand index pointing left", ["finger", "hand", "direction"], "왼쪽을 가리키는 손", ["방향", "손가락"]),
        ("🧑‍🚀", "astronaut", ["rocket", "space"], "우주비행사", ["로켓", "우주"]),
        ("👩‍🚀", "woman astronaut", ["rocket", "space", "woman"], "여자 우주비행사", ["로켓", "우주"]),
        ("🏃‍♂️", "man running", ["race"], "달리는 남자", ["경주"]),
        ("🏃", "person running", ["race", "fast"], "달리는 사람", ["경주", "빠름"]),
        ("👋🏽", "waving hand: medium skin tone", ["hello"], "흔드는 손", ["안녕"]),
        ("👪", "family", ["child"], "가족", ["아이"]),
        ("🧑‍🧑‍🧒", "family: adult, adult, child", ["child"], "가족: 어른, 어른, 아이", ["아이"]),
        ("🛸", "flying saucer", ["UFO"], "비행접시", ["외계인"]),
        ("🫠", "melting face", ["hot"], null, []),
    ];

    /// <summary>Writes the packages.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="archives">Whether as npm's archives or unpacked.</param>
    internal static void Write(string folder, bool archives)
    {
        foreach (var (i, (style, package, _)) in EmojiPackages.Designers.Index())
        {
            string color = (string[])["#c00", "#0a0", "#00c", "#c0c"] is var colors ? colors[i] : "";
            Write(folder, archives, package, $"1.2.{i}", "MIT", Designer(style, color));
        }
        var languages = new Dictionary<string, string>
        {
            ["annotations/en/annotations.json"] = Language(Names.Select(n => (n.Emoji, (string?)n.English, n.Keywords))),
            ["annotations/ko/annotations.json"] = Language(Names.Select(n => (n.Emoji, n.Korean, n.Words))),
        };
        Write(folder, archives, EmojiPackages.Names, "48.0.0", "Unicode-3.0", languages);
    }

    private static Dictionary<string, string> Designer(string style, string color)
    {
        // One designer leaves the saucer out, and another too; what two draw alone is no concept.
        var drawn = Icons.Where(icon => icon.Name != "flying-saucer" || style is "noto" or "openmoji").ToList();
        var icons = drawn.Where(icon => icon.Body.Length > 0).ToDictionary(icon => icon.Name,
            icon => new { body = icon.Body.Replace("{0}", color, StringComparison.Ordinal).Replace('\'', '"') });
        var aliases = new Dictionary<string, object>
        {
            ["backhand-index-pointing-right"] = new { parent = "backhand-index-pointing-left", hFlip = true },
        };
        return new Dictionary<string, string>
        {
            ["icons.json"] = Json(new { prefix = style, icons, aliases, width = 32, height = 32 }),
            ["chars.json"] = Json(drawn.ToDictionary(icon => icon.Id, icon => icon.Name)),
            ["metadata.json"] = Json(new
            {
                categories = drawn.GroupBy(icon => icon.Group).ToDictionary(group => group.Key, group => group.Select(icon => icon.Name)),
            }),
        };
    }

    private static string Language(IEnumerable<(string Emoji, string? Name, string[] Keywords)> names) => Json(new
    {
        annotations = new
        {
            annotations = names.Where(name => name.Name is not null)
                .ToDictionary(name => name.Emoji, name => new { @default = name.Keywords.Append(name.Name!), tts = new[] { name.Name } }),
        },
    });

    private static void Write(string folder, bool archives, string package, string version, string licence,
        Dictionary<string, string> files)
    {
        string stem = package.TrimStart('@').Replace('/', '-');
        var whole = new Dictionary<string, string>(files) { ["package.json"] = Json(new { name = package, version, license = licence }) };
        if (!archives)
        {
            foreach (var (name, text) in whole)
            {
                string path = Path.Combine(folder, stem, name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllText(path, text);
            }
            return;
        }
        Directory.CreateDirectory(folder);
        using var file = new GZipStream(File.Create(Path.Combine(folder, $"{stem}-{version}.tgz")), CompressionLevel.Fastest);
        using var archive = new TarWriter(file);
        foreach (var (name, text) in whole)
        {
            using var content = new MemoryStream(Encoding.UTF8.GetBytes(text));
            archive.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, $"package/{name}") { DataStream = content });
        }
    }

    private static string Json(object value) => JsonSerializer.Serialize(value, Options);
}
