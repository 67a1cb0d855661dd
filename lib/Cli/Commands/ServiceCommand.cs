using System.CommandLine;
using System.Net;
using ClipNotebooks.Cli.Service;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Search;
using ClipNotebooks.Search.Postgres;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook serve --api`: CLIP over HTTP, until it is stopped.</summary>
internal sealed class ServiceCommand
{
    private const string KeyVariable = "CLIPBOOK_KEY";

    /// <summary>The shortest key that is accepted; shorter ones can be guessed.</summary>
    private const int ShortestKey = 16;

    private readonly Option<bool> _api = new("--api")
    {
        Description = "In place of the book: embedding, classifying and searching over HTTP, with a search page.",
    };

    private readonly Option<string?> _index = new("--index")
    {
        Description = "With --api: the index's folder or PostgreSQL's connection string; a new, empty one where there is none. Without " +
            "it there are embeddings and classes alone.",
    };

    private readonly Option<string?> _model = PreparedEncoder.ModelOption("With --api: the model's folder or Hub id");

    private readonly Option<string?> _host = new("--host")
    {
        Description = "With --api: the address of this machine to listen at, 0.0.0.0 for all; others than 127.0.0.1 need a key.",
    };

    private readonly Option<string?> _keyFile = new("--key-file")
    {
        Description = $"With --api: a file with the key that clients have to send; or the variable {KeyVariable} holds it.",
    };

    private readonly Option<string?> _uploads = new("--uploads")
    {
        Description = "With --api: where pictures that clients add are kept; the folder uploads of an index's folder by default.",
    };

    private readonly Option<Precision> _precision = PreparedEncoder.Option();

    internal IEnumerable<Option> Options => [_api, _index, _model, _host, _keyFile, _uploads, _precision];

    /// <summary>Whether the service is asked for.</summary>
    /// <exception cref="UserError">--api is not given, but an option that needs it is.</exception>
    internal bool IsAsked(ParseResult parsed)
    {
        if (parsed.GetValue(_api)) return true;
        if (Options.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } other)
            throw new UserError($"{other.Name} is for the service: give --api too.", ExitCode.Usage);
        return false;
    }

    internal async Task<int> RunAsync(ParseResult parsed, int port, CancellationToken token)
    {
        var address = Address(parsed.GetValue(_host));
        string? key = Key(parsed.GetValue(_keyFile)), place = parsed.GetValue(_index);
        if (!IPAddress.IsLoopback(address) && key is null)
            throw new UserError($"--host {parsed.GetValue(_host)} lets other machines in, and there is no key for them. Put one into a " +
                $"file (openssl rand -hex 24 > key) and give --key-file key, or set {KeyVariable}.", ExitCode.Usage);
        if (parsed.GetValue(_uploads) is not null && place is null)
            throw new UserError("--uploads is for pictures that are added to an index: give --index too.", ExitCode.Usage);
        var (opened, chosen) = PreparedEncoder.OpenForIndex(parsed.GetValue(_model) ?? Lesson.Model, parsed.GetValue(_precision));
        using var encoder = opened;
        using var index = place is null ? null
            : ImageStores.OpenOrCreate(place, encoder, PreparedEncoder.Options(encoder, half: false, draft: false));
        Interruption.Grace = ApiServer.Grace + TimeSpan.FromSeconds(2);
        await using var server = await ApiServer.StartAsync(encoder, index, new ServiceOptions
        {
            Address = address,
            Port = port,
            Key = key,
            Uploads = parsed.GetValue(_uploads) ?? (index is ImageSearchIndex folder ? Path.Combine(folder.Folder, "uploads") : null),
        }, token);
        Terminal.WriteLine($"{server.Address} shows " + (index is null ? "no index: it embeds and classifies alone."
            : $"{index.Count:N0} pictures of {index.Place}.") + $" {chosen}. Ctrl-C ends it.");
        await Task.Delay(Timeout.InfiniteTimeSpan, token);
        return ExitCode.Success;
    }

    private static IPAddress Address(string? host) => host switch
    {
        null or "localhost" => IPAddress.Loopback,
        _ when IPAddress.TryParse(host, out var address) => address,
        _ => throw new UserError(
            $"--host {host}: an address of this machine is needed, such as 127.0.0.1, 0.0.0.0 or ::.", ExitCode.Usage),
    };

    private static string? Key(string? file)
    {
        string? key = file is null ? Environment.GetEnvironmentVariable(KeyVariable)
            : GivenFile.Read("--key-file", file, "the key (openssl rand -hex 24 > key)", File.ReadAllText).Trim();
        if (string.IsNullOrEmpty(key) && file is null) return null;
        if (key!.Length < ShortestKey || key.Any(c => c is <= ' ' or > '~'))
            throw new UserError($"The key in {file ?? KeyVariable} is too short or holds other characters than " +
                $"letters, digits and signs of ASCII: at least {ShortestKey} of them are needed, as from openssl rand -hex 24.",
                ExitCode.Usage);
        return key;
    }
}
