using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>
/// A Hub on loopback with one repository; its large files come from a second server, as the real Hub's do. Faults are switched on by the
/// test.
/// </summary>
internal sealed class HubServer : IDisposable
{
    internal const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly HttpListener _hub, _storage;
    private readonly Lock _gate = new();
    private readonly List<string> _requests = [];

    /// <summary>
    /// Serves the repository on the first ports that are free, of those that <paramref name="port"/> gives; of random ones without it.
    /// </summary>
    internal HubServer(string id, Func<int>? port = null)
    {
        Id = id;
        port ??= () => Random.Shared.Next(20_000, 60_000);
        (_hub, Endpoint) = Start(port, AnswerHub);
        (_storage, Storage) = Start(port, AnswerStorage);
    }

    internal string Id { get; }

    internal Uri Endpoint { get; }

    internal Uri Storage { get; }

    /// <summary>Small files, and large ones (named *.safetensors, *.bin or *.onnx).</summary>
    internal Dictionary<string, byte[]> Files { get; } = [];

    /// <summary>Looked at before each answer; a status ends it there.</summary>
    internal Func<HttpListenerRequest, int, (int Status, string? ErrorCode)?> Refuse { get; set; } = (_, _) => null;

    /// <summary>How many bytes of the n-th answer (from 1) of the storage are sent before the connection is cut; null for all.</summary>
    internal Func<int, int?> CutAfter { get; set; } = _ => null;

    /// <summary>Changes the bytes of the n-th answer of the storage.</summary>
    internal Func<int, byte[], byte[]> Corrupt { get; set; } = (_, bytes) => bytes;

    /// <summary>What comes with a 429.</summary>
    internal string RetryAfter { get; set; } = "0";

    internal bool ServesRanges { get; set; } = true;

    /// <summary>What is answered in place of the list of files.</summary>
    internal Func<string, string> List { get; set; } = list => list;

    /// <summary>Changes the headers of an answer about a file before it is sent.</summary>
    internal Action<string, HttpListenerResponse> Alter { get; set; } = (_, _) => { };

    internal string? ListType { get; set; }

    /// <summary>How long the list takes to come to its end.</summary>
    internal TimeSpan ListDelay { get; set; }

    /// <summary>Method, path, Range and Authorization of each request; of the storage with a leading "storage".</summary>
    internal IReadOnlyList<string> Requests
    {
        get
        {
            lock (_gate) return [.. _requests];
        }
    }

    internal int StorageGets => Requests.Count(request => request.StartsWith("storage GET", StringComparison.Ordinal));

    public void Dispose()
    {
        _hub.Close();
        _storage.Close();
    }

    internal static string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static bool IsLarge(string name) => name.EndsWith(".safetensors", StringComparison.Ordinal)
        || name.EndsWith(".bin", StringComparison.Ordinal) || name.Contains(".onnx", StringComparison.Ordinal);

    private static string ETag(string name, byte[] content)
    {
        if (IsLarge(name)) return Sha256(content);
        using var git = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        git.AppendData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]);
        return Convert.ToHexStringLower(git.GetHashAndReset());
    }

    /// <summary>
    /// A listener on the first port that is free. One that could not start is closed by that, so each attempt has its own.
    /// </summary>
    private static (HttpListener Listener, Uri Address) Start(Func<int> port, Action<HttpListenerContext> answer)
    {
        while (true)
        {
            Uri address = new($"http://127.0.0.1:{port()}");
            HttpListener listener = new();
            listener.Prefixes.Add(address.ToString());
            try
            {
                listener.Start();
            }
            catch (HttpListenerException)
            {
                listener.Close();
                continue;
            }
            _ = Task.Run(async () =>
            {
                while (listener.IsListening)
                {
                    HttpListenerContext context;
                    try
                    {
                        context = await listener.GetContextAsync();
                    }
                    catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
                    {
                        return;
                    }
                    _ = Task.Run(() => answer(context));
                }
            });
            return (listener, address);
        }
    }

    private int Note(string server, HttpListenerRequest request)
    {
        lock (_gate)
        {
            _requests.Add($"{server}{request.HttpMethod} {request.Url!.AbsolutePath} range={request.Headers["Range"]} " +
                $"token={request.Headers["Authorization"]}");
            return _requests.Count(line => line.StartsWith(server + request.HttpMethod, StringComparison.Ordinal));
        }
    }

    private void AnswerHub(HttpListenerContext context)
    {
        var (request, response) = (context.Request, context.Response);
        int number = Note("", request);
        if (Refuse(request, number) is var (status, code))
        {
            response.StatusCode = status;
            if (code is not null) response.Headers["X-Error-Code"] = code;
            if (status == 429) response.Headers["Retry-After"] = RetryAfter;
            response.Close();
            return;
        }
        string path = request.Url!.AbsolutePath.Trim('/');
        if (path.StartsWith($"api/models/{Id}/revision/", StringComparison.Ordinal))
        {
            byte[] list = Encoding.UTF8.GetBytes(List(JsonSerializer.Serialize(new { sha = Commit, siblings = Files.Keys
                .Select(name => new { rfilename = name }) })));
            if (ListType is not null) response.ContentType = ListType;
            if (ListDelay > TimeSpan.Zero)
            {
                response.OutputStream.Write(list, 0, 1);
                response.OutputStream.Flush();
                Thread.Sleep(ListDelay);
                list = list[1..];
            }
            try
            {
                response.Close(list, willBlock: true);
            }
            catch (Exception exception) when (exception is HttpListenerException or IOException)
            {
                response.Abort();
            }
            return;
        }
        string name = path.StartsWith($"{Id}/resolve/{Commit}/", StringComparison.Ordinal) ? path[$"{Id}/resolve/{Commit}/".Length..] : "";
        if (!Files.TryGetValue(name, out byte[]? content))
        {
            response.StatusCode = 404;
            response.Headers["X-Error-Code"] = path.Contains(Id, StringComparison.Ordinal) ? "EntryNotFound" : "RepoNotFound";
            response.Close();
            return;
        }
        response.Headers["X-Repo-Commit"] = Commit;
        if (IsLarge(name))
        {
            response.Headers["X-Linked-Etag"] = $"\"{ETag(name, content)}\"";
            response.Headers["X-Linked-Size"] = $"{content.Length}";
            response.Headers["ETag"] = "\"another\"";
            response.StatusCode = 302;
            response.Headers["Location"] = $"{Storage}{name}";
            Alter(name, response);
            response.Close();
            return;
        }
        response.Headers["ETag"] = $"\"{ETag(name, content)}\"";
        response.ContentLength64 = content.Length;
        Alter(name, response);
        if (request.HttpMethod == "HEAD") response.Close();
        else response.Close(content, willBlock: true);
    }

    private void AnswerStorage(HttpListenerContext context)
    {
        var (request, response) = (context.Request, context.Response);
        int number = Note("storage ", request);
        byte[] content = Corrupt(number, Files[request.Url!.AbsolutePath.Trim('/')]);
        int from = 0;
        if (ServesRanges && request.Headers["Range"] is { } range)
        {
            from = int.Parse(range["bytes=".Length..^1]);
            response.StatusCode = from < content.Length ? 206 : 416;
        }
        byte[] part = content[Math.Min(from, content.Length)..];
        response.ContentLength64 = part.Length;
        try
        {
            if (CutAfter(number) is { } cut && cut < part.Length)
            {
                response.OutputStream.Write(part, 0, cut);
                response.OutputStream.Flush();
                Thread.Sleep(100);
                response.Abort();
                return;
            }
            response.OutputStream.Write(part);
            response.Close();
        }
        catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException or IOException)
        {
            response.Abort();
        }
    }
}
