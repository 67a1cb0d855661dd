namespace ClipNotebooks.Cli.Commands;

/// <summary>
/// Finds and mends a fault in the folder where the extension Polyglot Notebooks keeps its own files. With the .NET 10 SDK `dotnet new
/// tool-manifest` writes dotnet-tools.json into that folder, while the extension looks for it in .config, so every start after the first
/// fails with "Cannot read properties of undefined (reading 'workingDirectory')".
/// </summary>
internal static class EditorStorage
{
    private const string Extension = "ms-dotnettools.dotnet-interactive-vscode", Manifest = "dotnet-tools.json";

    private static readonly string[] Products = ["Code", "Code - Insiders", "VSCodium", "VSCodium - Insiders", "Code - OSS"];

    /// <summary>The folders of the VS Code servers behind remote windows, containers and Codespaces.</summary>
    private static readonly string[] Servers = 
    [
        ".vscode-server", ".vscode-server-insiders", ".vscode-server-oss", ".vscode-remote", ".vscodium-server",
        ".vscodium-server-insiders",
    ];

    /// <summary>The storage folders of this user that have the fault.</summary>
    internal static IReadOnlyList<string> Broken() => Broken(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
        Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), Environment.GetEnvironmentVariable("XDG_DATA_HOME"));

    /// <param name="home">The user's folder.</param>
    /// <param name="applicationData">APPDATA on Windows; elsewhere what XDG_CONFIG_HOME says, else .config.</param>
    /// <param name="data">What XDG_DATA_HOME says.</param>
    internal static IReadOnlyList<string> Broken(string home, string applicationData, string? data) =>
        [.. Folders(home, applicationData, data).Distinct()
            .Where(folder => File.Exists(Path.Combine(folder, Manifest)) && !File.Exists(Sought(folder)))];

    /// <summary>Moves the manifest to where the extension looks.</summary>
    /// <exception cref="IOException">It could not be moved; nothing is changed.</exception>
    internal static void Mend(string folder)
    {
        string config = Path.GetDirectoryName(Sought(folder))!;
        if (File.Exists(config))
            throw new IOException($"{config} is a file, where the extension looks for a folder.");
        Directory.CreateDirectory(config);
        File.Move(Path.Combine(folder, Manifest), Sought(folder));
    }

    /// <summary>How to do the same by hand, in one line.</summary>
    internal static string ByHand(string folder)
    {
        string manifest = Path.Combine(folder, Manifest), config = Path.Combine(folder, ".config");
        if (File.Exists(config))
            return $"move the file {config} away, then clipbook doctor --fix";
        return OperatingSystem.IsWindows() ? $"mkdir \"{config}\" & move \"{manifest}\" \"{config}\""
            : $"mkdir -p '{config}' && mv '{manifest}' '{config}'";
    }

    private static string Sought(string folder) => Path.Combine(folder, ".config", Manifest);

    private static IEnumerable<string> Folders(string home, string applicationData, string? data)
    {
        string mac = Path.Combine(home, "Library", "Application Support");
        string[] desktops = [applicationData, Path.Combine(home, ".config"), mac, Path.Combine(home, "AppData", "Roaming")];
        string[] servers = [Path.Combine(home, ".local", "share"), mac, .. string.IsNullOrEmpty(data) ? Array.Empty<string>() : [data]];
        return desktops.Where(Path.IsPathRooted).SelectMany(root => Products.Select(product => Path.Combine(root, product)))
            .Concat(servers.Select(root => Path.Combine(root, "code-server")))
            .Concat(Servers.Select(server => Path.Combine(home, server, "data")))
            .Select(user => Path.Combine(user, "User", "globalStorage", Extension));
    }
}
