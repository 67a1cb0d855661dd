using System.Net.Sockets;
using System.Text;
using ClipNotebooks.Cli.Service;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Search;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests.Service;

/// <summary>The service in this process, over the embedded model and an index of some sample pictures, with a client.</summary>
internal sealed class RunningService : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private ImageSearchIndex? _index;
    private ApiServer? _server;

    private RunningService() => Encoder = ClipEncoder.FromPretrained(Lesson.Model);

    private async Task IndexAsync()
    {
        Pictures = Directory.CreateDirectory(Path.Combine(_folder.Path, "pictures")).FullName;
        foreach (string name in new[] { "cat", "dog", "pizza", "castle", "bicycle", "flower" })
            File.Copy(Path.Combine(Lesson.Data, "images", name + ".png"), Path.Combine(Pictures, name + ".png"));
        using (var made = ImageSearchIndex.Create(IndexFolder, Encoder, new()
        {
            MetadataOf = path => new Dictionary<string, string>
            {
                ["kind"] = Path.GetFileName(path)[0] is 'c' or 'd' ? "c or d" : "other",
                ["file"] = Path.GetFileName(path),
            },
        }))
            await made.AddFolderAsync(Pictures);
        _index = ImageSearchIndex.Open(IndexFolder, Encoder);
    }

    internal ClipEncoder Encoder { get; }

    internal string Pictures { get; private set; } = "";

    internal string IndexFolder => Path.Combine(_folder.Path, "index");

    internal HttpClient Client { get; } = new() { Timeout = TimeSpan.FromMinutes(2) };

    internal ApiServer Server => _server!;

    internal static async Task<RunningService> StartAsync(ServiceOptions? options = null, bool hasIndex = true)
    {
        RunningService service = new();
        if (hasIndex) await service.IndexAsync();
        options ??= new();
        service._server = await ApiServer.StartAsync(service.Encoder, service._index,
            options with { Port = 0, Uploads = options.Uploads ?? (hasIndex ? Path.Combine(service.IndexFolder, "uploads") : null) },
            CancellationToken.None);
        service.Client.BaseAddress = service._server.Address;
        return service;
    }

    internal byte[] Picture(string name) => File.ReadAllBytes(Path.Combine(Pictures, name));

    /// <summary>A request as it is written, and all that is answered.</summary>
    internal async Task<string> RawAsync(byte[] request)
    {
        using TcpClient client = new();
        await client.ConnectAsync(Server.Address.Host, Server.Address.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(request);
        using StreamReader reader = new(stream);
        return await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(1));
    }

    internal Task<string> RawAsync(string request) => RawAsync(Encoding.UTF8.GetBytes(request));

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (_server is not null) await _server.DisposeAsync();
        _index?.Dispose();
        Encoder.Dispose();
        _folder.Dispose();
    }
}
