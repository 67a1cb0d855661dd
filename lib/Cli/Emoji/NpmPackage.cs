using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook.Emoji;

namespace ClipNotebooks.Cli.Emoji;

/// <summary>Some files of a package, from the archive that <c>npm pack</c> fetches or from a folder that it was unpacked into.</summary>
internal sealed class NpmPackage
{
    private const string Description = "package.json";

    private readonly string _where;
    private readonly Dictionary<string, byte[]> _files;

    private NpmPackage(string name, string where, Dictionary<string, byte[]> files) => (Name, _where, _files) = (name, where, files);

    internal string Name { get; }

    /// <summary>Finds a package in a folder and reads the files named.</summary>
    /// <exception cref="UserError">The package is missing, is there twice, or lacks a file.</exception>
    internal static NpmPackage Open(string folder, string name, params string[] files)
    {
        if (!Directory.Exists(folder))
            throw new UserError($"--packages {folder}: there is no such folder. {EmojiPackages.Cure}", ExitCode.Usage);
        string stem = name.TrimStart('@').Replace('/', '-');
        string[] archives = [.. Directory.GetFiles(folder, stem + "-*.tgz")
            .Where(path => char.IsAsciiDigit(Path.GetFileName(path)[stem.Length + 1]))];
        string[] unpacked = [.. Unpacked(folder).Where(path => NameIn(path) == name)];
        string[] found = [.. archives, .. unpacked];
        if (found.Length == 0)
            throw new UserError($"{folder} holds no {name}: neither {stem}-VERSION.tgz nor a folder whose {Description} names it. " +
                EmojiPackages.Cure);
        if (found.Length > 1)
            throw new UserError($"{folder} holds {name} {found.Length} times: {string.Join(", ", found.Select(Path.GetFileName))}. Keep " +
                "one.");
        string[] wanted = [.. files, Description];
        var read = archives.Length > 0 ? FromArchive(found[0], wanted) : wanted.Where(file => File.Exists(Path.Combine(found[0], file)))
            .ToDictionary(file => file, file => File.ReadAllBytes(Path.Combine(found[0], file)), StringComparer.Ordinal);
        if (wanted.FirstOrDefault(file => !read.ContainsKey(file)) is { } missing)
            throw new UserError($"{found[0]} has no {missing}, which {name} has. Fetch it anew: {EmojiPackages.Cure}");
        return new NpmPackage(name, found[0], read);
    }

    /// <summary>A file as JSON.</summary>
    /// <exception cref="UserError">The file is not JSON.</exception>
    internal JsonElement Json(string file)
    {
        try
        {
            using var document = JsonDocument.Parse(_files[file]);
            return document.RootElement.Clone();
        }
        catch (JsonException exception)
        {
            throw Damaged(file, exception.Message, exception);
        }
    }

    /// <summary>The package's entry in the manifest.</summary>
    /// <param name="use">What the package is read for.</param>
    internal EmojiSource Source(string use)
    {
        var description = Json(Description);
        return new EmojiSource(Name, Text("version"), Text("license"), use, _files.Where(file => file.Key != Description)
            .OrderBy(file => file.Key, StringComparer.Ordinal)
            .ToDictionary(file => file.Key, file => Convert.ToHexStringLower(SHA256.HashData(file.Value))));

        string Text(string key) => description.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()! : throw Damaged(Description, $"it states no \"{key}\"");
    }

    /// <summary>The error for a file that is not as it should be.</summary>
    internal UserError Damaged(string file, string why, Exception? inner = null) =>
        new($"{_where}: {file} is not what {Name} has: {why} {EmojiPackages.Cure}", inner: inner);

    /// <summary>
    /// The folders that may hold an unpacked package: the folder, its own folders, and those that npm's archives and installations have in
    /// these.
    /// </summary>
    private static IEnumerable<string> Unpacked(string folder) => Directory.GetDirectories(folder)
        .SelectMany(path => (string[])[path, Path.Combine(path, "package"), .. Directory.GetDirectories(path)])
        .Append(folder).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
        .Where(path => File.Exists(Path.Combine(path, Description)));

    private static string? NameIn(string folder)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, Description)));
            return document.RootElement.TryGetProperty("name", out var name) ? name.GetString() : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null; // cannot be read, so it is not the package looked for
        }
    }

    private static Dictionary<string, byte[]> FromArchive(string path, string[] wanted)
    {
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        try
        {
            using var archive = new TarReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
            while (files.Count < wanted.Length && archive.GetNextEntry() is { } entry)
            {
                string name = entry.Name[(entry.Name.IndexOf('/', StringComparison.Ordinal) + 1)..];
                if (entry.DataStream is null || !wanted.Contains(name)) continue;
                using var content = new MemoryStream();
                entry.DataStream.CopyTo(content);
                files[name] = content.ToArray();
            }
            return files;
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new UserError($"{path} is no whole archive of npm's: {exception.Message} Fetch it anew. {EmojiPackages.Cure}",
                inner: exception);
        }
    }
}
