using System.Net.Sockets;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Search;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace ClipNotebooks.Cli.Service;

/// <summary>CLIP over HTTP: one model for all clients, and an index if there is one.</summary>
internal sealed class ApiServer : IAsyncDisposable
{
    internal static readonly JsonSerializerOptions Json = Configured(new(JsonSerializerDefaults.Web));

    /// <summary>How long requests under way may take to finish when the service ends.</summary>
    internal static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly WebApplication _app;
    private readonly BatchingEncoder _clip;
    private readonly UploadReader _uploads;
    private readonly Classes _classes;
    private readonly Thumbnails? _thumbnails;

    private ApiServer(IClipEncoder encoder, ImageStore? index, ServiceOptions options)
    {
        _clip = new(encoder, options.Batching);
        _uploads = new(options, encoder.Processor.Transform);
        _classes = new(encoder);
        var images = index is null ? null : new ImageCollection(index, options);
        _thumbnails = images is null ? null : new(images, options);
        _app = Build(options);
        var guard = new Guard(options);
        _app.Use(Problems.CatchAsync);
        _app.Use(guard.CheckAsync);
        _app.UseRouting();
        _app.MapOpenApi();
        _app.MapGet("/health", () => Results.Ok(new Health("ready", encoder.Source, encoder.Width, images?.Count, _clip.Waiting,
            options.Key is not null))).Produces<Health>().WithSummary("Whether the service answers, with which model and index.");
        new EmbeddingEndpoints(_clip, _uploads, _classes, options).Map(_app);
        if (images is not null)
        {
            new SearchEndpoints(_clip, _uploads, images, options).Map(_app);
            new ImageEndpoints(_clip, _uploads, images, _thumbnails!).Map(_app);
            SearchPage.Map(_app);
        }
    }

    /// <summary>The service's address; if port 0 was asked for, with the port that was found free.</summary>
    internal Uri Address => new(_app.Urls.First());

    /// <param name="encoder">The model; stays the caller's.</param>
    /// <param name="index">The index to search; stays the caller's. Null for a service that only embeds and classifies.</param>
    /// <param name="options">Where it listens, and its limits.</param>
    /// <param name="token">Cancels the start.</param>
    /// <exception cref="UserError">The address or the port is in use, or may not be used.</exception>
    internal static async Task<ApiServer> StartAsync(
        IClipEncoder encoder, ImageStore? index, ServiceOptions options, CancellationToken token)
    {
        ApiServer server = new(encoder, index, options);
        try
        {
            await server._app.StartAsync(token);
            return server;
        }
        catch (Exception problem) when (problem is IOException or SocketException)
        {
            await server.ReleaseAsync();
            throw new UserError($"{options.Address} port {options.Port} cannot be used ({problem.Message.TrimEnd('.')}): give another " +
                "port with --port, or --port 0 for one that is free, or another address of this machine with --host.", inner: problem);
        }
    }

    /// <summary>Takes no more requests, answers those under way, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        using var late = new CancellationTokenSource(Grace);
        await _app.StopAsync(late.Token);
        await ReleaseAsync();
    }

    private async Task ReleaseAsync()
    {
        await _app.DisposeAsync();
        await _clip.DisposeAsync();
        _uploads.Dispose();
        _classes.Dispose();
        _thumbnails?.Dispose();
    }

    private static WebApplication Build(ServiceOptions options)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes;
            kestrel.Limits.MaxConcurrentConnections = 1000;
            kestrel.Listen(options.Address, options.Port);
        });
        builder.Services.AddRouting();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Grace);
        builder.Services.Configure<RouteHandlerOptions>(handlers => handlers.ThrowOnBadRequest = true);
        builder.Services.ConfigureHttpJsonOptions(json => Configured(json.SerializerOptions));
        builder.Services.AddOpenApi("v1", api => Descriptions.Document(api, options.Key is not null));
        return builder.Build();
    }

    private static JsonSerializerOptions Configured(JsonSerializerOptions json)
    {
        json.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        json.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping; // an answer is JSON and never part of a page
        json.NumberHandling = JsonNumberHandling.Strict;
        json.MaxDepth = 16;
        return json;
    }
}
