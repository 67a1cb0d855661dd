using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Hub;

/// <summary>
/// Finds and downloads models of the Hugging Face Hub, in the cache of Python's <c>huggingface_hub</c>: each finds what the other has
/// downloaded. Downloads resume after a broken connection, are verified by their hash and renamed into place when complete; several
/// processes may request the same model at once. Thread-safe.
/// </summary>
/// <param name="options">Server, cache and token; by default those of the environment.</param>
public sealed partial class HuggingFaceHub(HubOptions? options = null)
{
    private const int DiskFull = 28, WindowsDiskFull = unchecked((int)0x80070070);

    /// <summary>The longest published listing has some hundred thousand bytes.</summary>
    private const int LongestListing = 10_000_000;

    /// <summary>Small files that a model may have beside its weights.</summary>
    private static readonly string[] Companions =
    [
        CheckpointFolder.HuggingFaceConfigName, CheckpointFolder.OpenClipConfigName, "preprocessor_config.json", "processor_config.json",
        "vocab.json", "merges.txt", "tokenizer.json", "added_tokens.json", "tokenizer_config.json", "special_tokens_map.json",
        "spiece.model", "vocab.txt",
    ];

    private readonly HubOptions _options = options ?? HubOptions.FromEnvironment();

    /// <summary>Whether a text has the form of a model's id, <c>organisation/name</c>.</summary>
    public static bool IsId(string text) => Id().IsMatch(text) && !text.Contains("--", StringComparison.Ordinal)
        && !text.Contains("..", StringComparison.Ordinal);

    /// <summary>
    /// Returns an existing folder or file of weights as it is; otherwise finds the model with that id in the cache, or downloads it.
    /// </summary>
    /// <param name="idOrFolder">A folder, a file, or an id such as <c>openai/clip-vit-base-patch32</c>.</param>
    /// <returns>A path; a text that is neither a path nor an id is returned unchanged.</returns>
    /// <exception cref="HubException">The model is not in the cache and cannot be downloaded.</exception>
    public static string Resolve(string idOrFolder) => Task.Run(() => ResolveAsync(idOrFolder)).GetAwaiter().GetResult();

    /// <summary>As <see cref="Resolve"/>, without blocking a thread.</summary>
    /// <param name="idOrFolder">A folder, a file, or an id such as <c>openai/clip-vit-base-patch32</c>.</param>
    /// <param name="progress">Receives the progress of every file that is downloaded.</param>
    /// <param name="cancellationToken">Stops a download; what has arrived is kept for the next time.</param>
    /// <returns>A path; a text that is neither a path nor an id is returned unchanged.</returns>
    /// <exception cref="HubException">The model is not in the cache and cannot be downloaded.</exception>
    public static Task<string> ResolveAsync(string idOrFolder, IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default) => ResolveAsync(idOrFolder, HubFiles.Weights, progress, cancellationToken);

    /// <summary>As <see cref="Resolve"/>, for a model in the given kind of files.</summary>
    internal static async Task<string> ResolveAsync(string idOrFolder, HubFiles wanted, IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(idOrFolder);
        if (Path.Exists(idOrFolder) || !IsId(idOrFolder)) return idOrFolder;
        var hub = new HuggingFaceHub();
        try
        {
            return hub.Find(idOrFolder, "main", wanted)
                ?? await hub.DownloadAsync(idOrFolder, "main", wanted, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (HubException exception)
        {
            throw new HubException($"There is no folder {idOrFolder} here, and as a model of the Hub it cannot be had. {exception.Message}",
                exception);
        }
    }

    /// <summary>Finds a complete model in the cache.</summary>
    /// <param name="id">Such as <c>openai/clip-vit-base-patch32</c>.</param>
    /// <param name="revision">A branch, tag or commit.</param>
    /// <returns>Its folder; null if the model is missing or incomplete.</returns>
    public string? Find(string id, string revision = "main") => Find(id, revision, HubFiles.Weights);

    private string? Find(string id, string revision, HubFiles wanted)
    {
        Require(id, revision);
        string? folder = new HubCache(_options.CacheFolder, id).Find(revision);
        return folder is not null && wanted.AreIn(folder) && IsWhole(folder) ? folder : null;
    }

    /// <summary>
    /// Fetches a model: its configuration, its vocabulary, and its weights in the best form that it has (safetensors before PyTorch's
    /// files).
    /// </summary>
    /// <param name="id">Such as <c>openai/clip-vit-base-patch32</c>.</param>
    /// <param name="revision">A branch, tag or commit.</param>
    /// <param name="progress">Receives the progress of every file.</param>
    /// <param name="cancellationToken">Stops it; what has arrived is kept for the next time.</param>
    /// <returns>The model's folder, for <c>FromPretrained</c>.</returns>
    /// <exception cref="ArgumentException">The id or the revision is malformed.</exception>
    /// <exception cref="HubException">
    /// There is no such model, no access, no network, no space on the disk, or a file arrives damaged.
    /// </exception>
    public Task<string> DownloadAsync(string id, string revision = "main", IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default) => DownloadAsync(id, revision, HubFiles.Weights, progress, cancellationToken);

    private async Task<string> DownloadAsync(string id, string revision, HubFiles wanted, IProgress<HubProgress>? progress,
        CancellationToken cancellationToken)
    {
        Require(id, revision);
        if (_options.Offline)
            return Find(id, revision, wanted) ?? throw new HubException(
                $"{id} ({revision}) is not in the cache at {_options.CacheFolder}, and HF_HUB_OFFLINE is set. Unset it, or bring the " +
                    $"model's folder over from a machine that has it.");
        var cache = new HubCache(_options.CacheFolder, id);
        using var client = new HubClient(_options);
        var (commit, names) = await ListAsync(client, id, revision, cancellationToken);
        Task<string> Fetch(string name) => FetchAsync(client, cache, id, commit, name, progress, cancellationToken);
        foreach (string name in Companions.Where(names.Contains)) await Fetch(name);
        var files = await wanted.FetchAsync(names, cache.Snapshot(commit), Fetch);
        if (files.Count == 0) throw new HubException($"{id} ({revision}) holds no CLIP that can be read: {wanted.LookedFor}.");
        foreach (string file in files)
        {
            if (ModelFile.Fault(file) is { } fault)
                throw new HubException(
                    $"{Path.GetFileName(file)} of {id} is not to be read: {fault}. The model's publisher has to mend it.");
        }
        cache.Refer(revision, commit);
        return cache.Snapshot(commit);
    }

    private const string IsHub = "Is the endpoint a Hub? Check HF_ENDPOINT, and whether a proxy or a login page answers in its place.";

    /// <summary>Receives a listing as bytes, whatever character set the server names: JSON is UTF-8.</summary>
    private async Task<ReadOnlyMemory<byte>> ReceiveListingAsync(HttpResponseMessage response, string what,
        CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.ReadTimeout);
        await using var content = await response.Content.ReadAsStreamAsync(limit.Token);
        var bytes = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        for (int read; (read = await content.ReadAsync(buffer, limit.Token)) > 0;)
        {
            if (bytes.Length + read > LongestListing) throw new HubException($"{what} is longer than {LongestListing:N0} bytes. {IsHub}");
            bytes.Write(buffer, 0, read);
        }
        return bytes.GetBuffer().AsMemory(0, (int)bytes.Length);
    }

    private async Task<(string Commit, HashSet<string> Names)> ListAsync(HubClient client, string id, string revision,
        CancellationToken cancellationToken)
    {
        string what = $"The list of files of {id} ({revision})";
        return await client.RetryAsync(what, async () =>
        {
            using var response = await client.SendAsync(HttpMethod.Get, $"api/models/{id}/revision/{Uri.EscapeDataString(revision)}", what,
                0, cancellationToken);
            var text = await ReceiveListingAsync(response, what, cancellationToken);
            try
            {
                using var json = JsonDocument.Parse(text);
                string commit = json.RootElement.GetProperty("sha").GetString() ?? "null";
                if (!Hash().IsMatch(commit))
                    throw new HubException($"{what} has the commit \"{Quote.Cut(commit)}\", which is not one. {IsHub}");
                return (commit, json.RootElement.GetProperty("siblings").EnumerateArray()
                    .Select(file => file.GetProperty("rfilename").GetString() ?? throw new JsonException("a file's name is null."))
                    .ToHashSet(StringComparer.Ordinal));
            }
            catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
            {
                throw new HubException($"{what} is not what a Hub answers: {Quote.Cut(exception.Message)} {IsHub}", exception);
            }
        }, cancellationToken);
    }

    private async Task<string> FetchAsync(HubClient client, HubCache cache, string id, string commit, string name,
        IProgress<HubProgress>? progress, CancellationToken cancellationToken)
    {
        if (!FileName().IsMatch(name))
            throw new HubException($"{id} names a file \"{Quote.Cut(name)}\", which would lie outside the cache. It is not fetched.");
        string present = Path.Combine(cache.Snapshot(commit), name);
        if (await HubCache.IsSoundAsync(present, cancellationToken)) return present;
        if (ModelFile.IsThere(present)) HubCache.Forget(present);

        string what = $"{name} of {id}", path = $"{id}/resolve/{commit}/{string.Join('/', name.Split('/').Select(Uri.EscapeDataString))}";
        var file = await client.RetryAsync(what, () => AskAsync(client, path, what, name, commit, cancellationToken), cancellationToken);
        using (await cache.LockAsync(file.ETag, cancellationToken))
        {
            string blob = cache.Blob(file.ETag);
            if (!File.Exists(blob) || !await HubCache.IsSoundAsync(blob, file, cancellationToken))
            {
                string beside = blob + ".incomplete";
                Directory.CreateDirectory(Path.GetDirectoryName(beside)!);
                await client.RetryAsync(what, () => ReceiveAsync(client, path, what, file, beside, progress, cancellationToken),
                    cancellationToken);
                File.Move(beside, blob, overwrite: true);
            }
            return cache.Link(file);
        }
    }

    private static async Task<HubFile> AskAsync(HubClient client, string path, string what, string name, string commit,
        CancellationToken cancellationToken)
    {
        using var response = await client.SendAsync(HttpMethod.Head, path, what, 0, cancellationToken);
        string? Header(string header) => response.Headers.TryGetValues(header, out var values) ? values.First() : null;
        string etag = (Header("X-Linked-Etag") ?? response.Headers.ETag?.Tag ?? "");
        etag = (etag.StartsWith("W/", StringComparison.Ordinal) ? etag[2..] : etag).Trim('"');
        long? size = Header("X-Linked-Size") is { } linked && long.TryParse(linked, out long value) ? value
            : response.Content.Headers.ContentLength;
        if (size is not >= 0 || !Hash().IsMatch(etag))
            throw new HubException($"{what}: the server does not tell its hash and size (ETag \"{Quote.Cut(etag)}\", " +
                $"{size?.ToString() ?? "no"} bytes). {IsHub}");
        return new HubFile(name, commit, etag, size.Value);
    }

    /// <summary>Receives the missing part of a file, and verifies the whole file.</summary>
    private async Task<bool> ReceiveAsync(HubClient client, string path, string what, HubFile file, string beside,
        IProgress<HubProgress>? progress, CancellationToken cancellationToken)
    {
        long have = File.Exists(beside) ? new FileInfo(beside).Length : 0;
        if (file.Size == 0) await _options.OpenWrite(beside, FileMode.Create).DisposeAsync();
        if (have < file.Size)
        {
            using var response = await client.SendAsync(HttpMethod.Get, path, what, have, cancellationToken);
            if (response.StatusCode != HttpStatusCode.PartialContent) have = 0;
            if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                File.Delete(beside);
                throw new HubTransientException("the server has not the part that is missing");
            }
            await CopyAsync(response, what, file, beside, have, progress, cancellationToken);
        }
        if (await HubCache.IsSoundAsync(beside, file, cancellationToken)) return true;
        File.Delete(beside);
        throw new HubTransientException("what arrived has not the hash that the server names: damaged on the way");
    }

    private async Task CopyAsync(HttpResponseMessage response, string what, HubFile file, string beside, long have,
        IProgress<HubProgress>? progress, CancellationToken cancellationToken)
    {
        await using var content = await response.Content.ReadAsStreamAsync(cancellationToken);
        byte[] buffer = new byte[1 << 20];
        try
        {
            await using var target = _options.OpenWrite(beside, have > 0 ? FileMode.Append : FileMode.Create);
            progress?.Report(new HubProgress(file.Name, have, file.Size));
            for (int read; (read = await ReadAsync(content, buffer, cancellationToken)) > 0;)
            {
                if (have + read > file.Size) throw new HubTransientException(
                    $"more arrives than the {file.Size} bytes that the server names");
                await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                have += read;
                progress?.Report(new HubProgress(file.Name, have, file.Size));
            }
        }
        catch (IOException exception) when (exception.HResult is DiskFull or WindowsDiskFull)
        {
            throw new HubException($"{what}: the disk is full, {file.Size - have:N0} bytes more are needed in {_options.CacheFolder}. " +
                $"Make room there, or set HF_HUB_CACHE to a folder with more.", exception);
        }
        if (have < file.Size) throw new HubTransientException($"the connection broke off after {have:N0} of {file.Size:N0} bytes");
    }

    private async Task<int> ReadAsync(Stream content, byte[] buffer, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.ReadTimeout);
        return await content.ReadAsync(buffer, limit.Token);
    }

    /// <summary>Whether none of the small files is a dangling link.</summary>
    private static bool IsWhole(string folder) =>
        Companions.Select(name => Path.Combine(folder, name)).All(path => !File.Exists(path) || ModelFile.IsThere(path));

    private static void Require(string id, string revision)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentException.ThrowIfNullOrEmpty(revision);
        if (!IsId(id)) throw new ArgumentException($"\"{id}\" is not a model's id: organisation/name is expected, such as " +
            $"openai/clip-vit-base-patch32.", nameof(id));
        if (!Revision().IsMatch(revision) || revision.Contains("..", StringComparison.Ordinal))
            throw new ArgumentException($"\"{revision}\" is not a revision: a branch, a tag or a commit is expected.", nameof(revision));
    }

    [GeneratedRegex(@"^[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}\z", RegexOptions.ECMAScript)]
    private static partial Regex Id();

    [GeneratedRegex(@"^[A-Za-z0-9][\w./-]{0,250}\z", RegexOptions.ECMAScript)]
    private static partial Regex Revision();

    /// <summary>Files in the repository's root or its folder <c>onnx</c>, not hidden: all that a CLIP needs lies there.</summary>
    [GeneratedRegex(@"^(onnx/)?[A-Za-z0-9_][\w.-]{0,250}\z", RegexOptions.ECMAScript)]
    private static partial Regex FileName();

    [GeneratedRegex(@"^[0-9a-fA-F]{8,128}\z", RegexOptions.ECMAScript)]
    private static partial Regex Hash();
}
