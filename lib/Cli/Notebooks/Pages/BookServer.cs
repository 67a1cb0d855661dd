using System.Globalization;
using System.Net;
using System.Text.Json;
using ClipNotebooks.Cli.Shell;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>
/// Serves a book on this machine's loopback address. Its pages get a script that reloads them when their file is written again; the files
/// on disk do not have it. Only requests to this machine's own names are answered, so that no page of another site can read the book
/// through a name that resolves to this machine (DNS rebinding). While the folder holds no book yet, its pages say so, and reload when it
/// does.
/// </summary>
internal sealed class BookServer : IAsyncDisposable
{
    private const string Script = "serve.js", Own = "/-/";

    /// <summary>The version of a page while there is no book; no file has it, so that the page reloads when the book is there.</summary>
    private const string Pending = "pending";

    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    private readonly WebApplication _app;
    private readonly PhysicalFileProvider _files;
    private volatile string _status = "";
    private volatile TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private BookServer(string folder, int port)
    {
        _files = new PhysicalFileProvider(Path.GetFullPath(folder));
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, port);
        });
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    private bool HasBook => _files.GetFileInfo(BookPage.Index + ".html").Exists;

    /// <summary>The book's address; if port 0 was asked for, with the port that was found free.</summary>
    internal Uri Address => new(_app.Urls.First());

    /// <param name="folder">The book's folder, which is there; the book may be written into it later.</param>
    /// <param name="port">The port on 127.0.0.1; 0 for one that is free.</param>
    /// <param name="token">Cancels the start.</param>
    /// <exception cref="UserError">The port is in use, or may not be used.</exception>
    internal static async Task<BookServer> StartAsync(string folder, int port, CancellationToken token)
    {
        BookServer server = new(folder, port);
        try
        {
            await server._app.StartAsync(token);
            return server;
        }
        catch (Exception problem) when (problem is IOException or System.Net.Sockets.SocketException)
        {
            await server.ReleaseAsync();
            throw new UserError($"Port {port} cannot be used ({problem.Message.TrimEnd('.')}): give another with --port, or --port 0 for " +
                $"one that is free.", inner: problem);
        }
    }

    /// <summary>Shows a status on every open page, and makes the pages whose files were written reload.</summary>
    /// <param name="status">Plain text; empty for nothing.</param>
    internal void Tell(string status)
    {
        _status = status;
        Interlocked.Exchange(ref _news, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    /// <summary>Ends the open connections, then the server.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await ReleaseAsync();
    }

    private async Task ReleaseAsync()
    {
        await _app.DisposeAsync();
        _files.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        response.Headers.CacheControl = "no-cache";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        response.Headers.ContentSecurityPolicy = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' " +
            "'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri " +
            "'none'; form-action 'none'; frame-ancestors 'none'";
        string path = request.Path.Value ?? "/", name = path == "/" ? "index.html" : path[1..];
        if (request.Host.Host.ToLowerInvariant() is not ("127.0.0.1" or "localhost" or "[::1]"))
            await SayAsync(response, StatusCodes.Status421MisdirectedRequest,
                "This is a book on its reader's own machine: open it as 127.0.0.1 or localhost.");
        else if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
            await SayAsync(response, StatusCodes.Status405MethodNotAllowed, "A book is only read.");
        else if (path == Own + Script)
            await SayAsync(response, StatusCodes.Status200OK, Resource.Text(Script), "text/javascript");
        else if (path == Own + "events")
            await FollowAsync(context, request.Query["page"].ToString());
        // A book has no subfolders.
        else if (name.AsSpan().ContainsAny('/', '\\') || TypeOf(name) is not { } type)
            await SayAsync(response, StatusCodes.Status404NotFound, "There is no such page in this book.");
        else if (_files.GetFileInfo(name) is not { Exists: true, PhysicalPath: not null } file)
            await (type == "text/html" && !HasBook
                ? SayAsync(response, StatusCodes.Status503ServiceUnavailable, PendingPage(Path.GetFileNameWithoutExtension(name)), type)
                : SayAsync(response, StatusCodes.Status404NotFound, "There is no such page in this book."));
        else if (type == "text/html")
            await SayAsync(response, StatusCodes.Status200OK, await PageAsync(file, Path.GetFileNameWithoutExtension(name)), type);
        else
            await TypedResults.PhysicalFile(file.PhysicalPath, type + "; charset=utf-8", lastModified: file.LastModified)
                .ExecuteAsync(context);
    }

    private static string? TypeOf(string name) =>
        Path.GetExtension(name) switch { ".html" => "text/html", ".css" => "text/css", ".js" => "text/javascript", _ => null };

    private static Task SayAsync(HttpResponse response, int status, string text, string type = "text/plain")
    {
        response.StatusCode = status;
        response.ContentType = type + "; charset=utf-8";
        return HttpMethods.IsHead(response.HttpContext.Request.Method) ? Task.CompletedTask : response.WriteAsync(text);
    }

    /// <summary>
    /// The page with the reload script and the page's version, which is the file's time. The time is read before the file, so that a newer
    /// file is never taken for the one shown.
    /// </summary>
    private async Task<string> PageAsync(IFileInfo file, string page)
    {
        string version = VersionOf(page), html = await File.ReadAllTextAsync(file.PhysicalPath!);
        int head = html.IndexOf("</head>", StringComparison.Ordinal);
        return head < 0 ? html : html.Insert(head, Follower(page, version));
    }

    private static string Follower(string page, string version) => $"<script src=\"{Own}{Script}\" data-page=\"{BookPage.Text(page)}\" " +
        $"data-version=\"{version}\" defer></script>\n";

    /// <summary>What any page is while there is no book; it has no style sheet and no other file to lean on.</summary>
    private static string PendingPage(string page) => $$"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>The lessons run</title>
        <link rel="icon" href="data:,">
        <style>body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }</style>
        {{Follower(page, Pending)}}</head>
        <body>
        <main>
        <h1>The lessons run</h1>
        <p>There is no book yet: the lessons run for the first time, which takes a few minutes. This page becomes the book when they have
        run.</p>
        </main>
        </body>
        </html>

        """;

    private string VersionOf(string page) => _files.GetFileInfo(page + ".html") is { Exists: true } file
        ? file.LastModified.UtcTicks.ToString(CultureInfo.InvariantCulture) : HasBook ? "" : Pending;

    /// <summary>Sends the page's version and the status, now and at every change, as server-sent events.</summary>
    private async Task FollowAsync(HttpContext context, string page)
    {
        var stopping = ((IHost)_app).Services.GetService(typeof(IHostApplicationLifetime)) as IHostApplicationLifetime;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping!.ApplicationStopping);
        context.Response.ContentType = "text/event-stream";
        if (HttpMethods.IsHead(context.Request.Method))
            return;
        try
        {
            while (true)
            {
                Task news = _news.Task;
                await context.Response.WriteAsync($"data: " +
                    $"{JsonSerializer.Serialize(new { version = VersionOf(page), status = _status })}\n\n", ended.Token);
                await context.Response.Body.FlushAsync(ended.Token);
                await Task.WhenAny(news, Task.Delay(Heartbeat, ended.Token));
                ended.Token.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException)
        {
        }
    }
}
