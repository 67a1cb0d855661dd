using System.Globalization;
using System.Text.Json;
using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Emoji;

/// <summary>One designer's drawings, from a package in Iconify's format: icons, their aliases, and the characters they stand for.</summary>
internal sealed class IconSet
{
    private const string Icons = "icons.json", Characters = "chars.json", Metadata = "metadata.json";

    private readonly NpmPackage _package;
    private readonly JsonElement _set;
    private readonly Dictionary<string, string> _names;
    private readonly Dictionary<string, string> _groups;

    private IconSet(NpmPackage package, JsonElement set, Dictionary<string, string> names, Dictionary<string, string> groups) =>
        (_package, _set, _names, _groups) = (package, set, names, groups);

    internal NpmPackage Package => _package;

    /// <summary>Reads a designer's package.</summary>
    /// <exception cref="UserError">It is missing or damaged.</exception>
    internal static IconSet Open(string folder, string package)
    {
        var files = NpmPackage.Open(folder, package, Icons, Characters, Metadata);
        try
        {
            var names = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var entry in files.Json(Characters).EnumerateObject())
                names.TryAdd(Annotations.Plain(entry.Name), entry.Value.GetString()!);
            var groups = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var group in files.Json(Metadata).GetProperty("categories").EnumerateObject())
                foreach (var name in group.Value.EnumerateArray()) groups.TryAdd(name.GetString()!, group.Name);
            var set = files.Json(Icons);
            _ = set.GetProperty("icons").EnumerateObject();
            return new IconSet(files, set, names, groups);
        }
        catch (Exception exception) when (exception is InvalidOperationException or KeyNotFoundException)
        {
            throw files.Damaged($"{Icons}, {Characters} or {Metadata}", exception.Message, exception);
        }
    }

    /// <summary>Whether the designer draws a concept.</summary>
    internal bool Draws(string id) => _names.ContainsKey(id);

    /// <summary>The group that the designer lists a concept in; null for none.</summary>
    internal string? Group(string id) => _names.TryGetValue(id, out string? name) ? _groups.GetValueOrDefault(name) : null;

    /// <summary>A concept's drawing as a complete SVG document.</summary>
    /// <exception cref="UserError">The package names an icon that it does not have.</exception>
    internal string Svg(string id)
    {
        string name = _names[id];
        var (icon, turns, horizontal, vertical) = Resolve(name, 0);
        try
        {
            string body = icon.GetProperty("body").GetString()!;
            double left = Number(icon, "left", 0), top = Number(icon, "top", 0);
            double width = Number(icon, "width", 16), height = Number(icon, "height", 16);
            var (x, y, across, down) = (left + width / 2, top + height / 2, horizontal ? -1 : 1, vertical ? -1 : 1);
            string change = Invariant($"translate({x} {y}) rotate({90 * turns}) scale({across} {down}) translate({-x} {-y})");
            if (turns % 4 != 0 || horizontal || vertical) body = $"<g transform=\"{change}\">{body}</g>";
            string box = Invariant($"{left} {top} {width} {height}");
            return $"<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"{box}\">{body}</svg>";
        }
        catch (Exception exception) when (exception is InvalidOperationException or KeyNotFoundException)
        {
            throw _package.Damaged(Icons, $"the icon \"{name}\" has no drawing.", exception);
        }
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private double Number(JsonElement icon, string key, double otherwise) =>
        icon.TryGetProperty(key, out var own) ? own.GetDouble() : _set.TryGetProperty(key, out var all) ? all.GetDouble() : otherwise;

    /// <summary>Follows aliases to the icon that they stand for, and adds up the rotations and flips on the way.</summary>
    private (JsonElement Icon, int Turns, bool Horizontal, bool Vertical) Resolve(string name, int depth)
    {
        if (_set.GetProperty("icons").TryGetProperty(name, out var icon))
            return (icon, Turns(icon), Flag(icon, "hFlip"), Flag(icon, "vFlip"));
        if (depth > 8 || !_set.TryGetProperty("aliases", out var aliases) || !aliases.TryGetProperty(name, out var alias)
            || !alias.TryGetProperty("parent", out var parent))
            throw _package.Damaged(Icons, $"it has no icon \"{name}\", which {Characters} names.");
        var (of, turns, horizontal, vertical) = Resolve(parent.GetString()!, depth + 1);
        return (of, turns + Turns(alias), horizontal ^ Flag(alias, "hFlip"), vertical ^ Flag(alias, "vFlip"));

        static int Turns(JsonElement entry) => entry.TryGetProperty("rotate", out var value) ? value.GetInt32() : 0;

        static bool Flag(JsonElement entry, string key) =>
            entry.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.True;
    }
}
