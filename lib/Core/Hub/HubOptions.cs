using System.Text.RegularExpressions;

namespace ClipNotebooks.Core.Hub;

/// <summary>
/// Where models are downloaded from and cached. Folders and environment variables are those of Python's <c>huggingface_hub</c>.
/// </summary>
public sealed partial record HubOptions
{
    private static readonly string[] Yes = ["1", "ON", "YES", "TRUE"];

    /// <summary>The folder that holds the models' folders, <c>models--organisation--name</c>.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>The server.</summary>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>An access token, sent to <see cref="Endpoint"/> alone, never to a server that it redirects to.</summary>
    public string? Token { get; init; }

    /// <summary>Whether only the cache is used.</summary>
    public bool Offline { get; init; }

    /// <summary>How many times a request is tried before it fails.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>How long to wait after the n-th failure (from 1), unless the server says how long: 1, 2, 4, … seconds.</summary>
    public Func<int, TimeSpan> BackOff { get; init; } = failures => TimeSpan.FromSeconds(Math.Pow(2, failures - 1));

    /// <summary>
    /// The longest wait that a server may ask for. A request to wait longer ends the download; a shorter wait is followed by another try.
    /// </summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a connection may stay silent before it counts as broken.</summary>
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Opens a file for writing; replaced by tests to simulate a failing disk.</summary>
    internal Func<string, FileMode, Stream> OpenWrite { get; init; } = (path, mode) =>
        new FileStream(path, mode, FileAccess.Write, FileShare.None);

    /// <summary>
    /// Reads the environment variables. Cache: HF_HUB_CACHE, else HF_HOME, else XDG_CACHE_HOME. Server: HF_ENDPOINT. Token: HF_TOKEN, else
    /// the file HF_TOKEN_PATH (by default HF_HOME/token); none if HF_HUB_DISABLE_IMPLICIT_TOKEN is on. Offline: HF_HUB_OFFLINE, else
    /// TRANSFORMERS_OFFLINE.
    /// </summary>
    /// <exception cref="HubException">HF_ENDPOINT is not an address.</exception>
    public static HubOptions FromEnvironment() => From(Environment.GetEnvironmentVariable);

    internal static HubOptions From(Func<string, string?> variable)
    {
        string? Set(string name) => variable(name) is { Length: > 0 } value ? value : null;
        string user = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string home = Folder("HF_HOME") ?? Path.Combine(Set("XDG_CACHE_HOME") ?? Path.Combine(user, ".cache"), "huggingface");
        string endpoint = Set("HF_ENDPOINT") ?? "https://huggingface.co",
            tokenFile = Folder("HF_TOKEN_PATH") ?? Path.Combine(home, "token");
        if (!Uri.TryCreate(endpoint.TrimEnd('/'), UriKind.Absolute, out var server) || server.Scheme is not ("http" or "https"))
            throw new HubException($"HF_ENDPOINT is \"{endpoint}\", which is not an http address. Unset it, or set it to one such as " +
                $"https://huggingface.co.");
        return new HubOptions
        {
            CacheFolder = Folder("HF_HUB_CACHE") ?? Folder("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(home, "hub"),
            Endpoint = server,
            Token = IsOn("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? null
                : (Set("HF_TOKEN") ?? Set("HUGGING_FACE_HUB_TOKEN") ?? (File.Exists(tokenFile) ? File.ReadAllText(tokenFile) : null))?.Trim(
                ) is { Length: > 0 } token ? token : null,
            Offline = IsOn("HF_HUB_OFFLINE") || (Set("HF_HUB_OFFLINE") is null && IsOn("TRANSFORMERS_OFFLINE")),
        };

        bool IsOn(string name) => Set(name) is { } value && Yes.Contains(value.ToUpperInvariant());

        // As Python does: a leading ~ is the user's folder, and $NAME or ${NAME} another variable.
        string? Folder(string name) => Set(name) is not { } path ? null
            : Variable().Replace(path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? user + path[1..] : path, match =>
                variable(match.Groups[1].Value) ?? match.Value);
    }

    [GeneratedRegex(@"\$(?:(\w+)|\{(?<1>\w+)\})", RegexOptions.ECMAScript)]
    private static partial Regex Variable();
}
