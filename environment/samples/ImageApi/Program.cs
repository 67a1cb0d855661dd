// Pictures over HTTP: embed, classify, add, search, delete. A model as ONNX (clipbook export --to onnx), an index in a folder.
using ClipNotebooks.Core.Generators;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Onnx;
using ClipNotebooks.Search;
using Microsoft.Extensions.AI;

const long LargestPicture = 20_000_000;

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.ConfigureKestrel(server => server.Limits.MaxRequestBodySize = LargestPicture);
builder.Services.AddProblemDetails(options => options.CustomizeProblemDetails = context =>
{
    // What is wrong with a request is the caller's to know; everything else stays in the log.
    if (context.Exception is InvalidDataException or ArgumentException) context.ProblemDetails.Detail = context.Exception.Message;
});
builder.Services.AddHealthChecks().AddCheck<ClipHealthCheck>("clip");
builder.Services.AddOnnxClip(Setting("Clip:Model"));
builder.Services.AddSingleton(services =>
{
    string folder = Setting("Clip:Index");
    var clip = services.GetRequiredService<IClipEncoder>();
    return Directory.Exists(folder) ? ImageSearchIndex.Open(folder, clip) : ImageSearchIndex.Create(folder, clip);
});
builder.Services.AddSingleton(services => new ZeroShotClassifier(
    services.GetRequiredService<IClipEncoder>(), builder.Configuration.GetSection("Clip:Labels").Get<string[]>() ?? []));

var app = builder.Build();
app.UseExceptionHandler(new ExceptionHandlerOptions
{
    StatusCodeSelector = error => error switch
    {
        BadHttpRequestException refused => refused.StatusCode,
        InvalidDataException => StatusCodes.Status422UnprocessableEntity,
        ArgumentException => StatusCodes.Status400BadRequest,
        _ => StatusCodes.Status500InternalServerError,
    },
});
app.UseStatusCodePages();
app.MapHealthChecks("/health");

app.MapGet("/embed", async (string text, IEmbeddingGenerator<string, Embedding<float>> generator, CancellationToken cancellationToken) =>
    (await generator.GenerateVectorAsync(text, cancellationToken: cancellationToken)).ToArray());

app.MapPost("/embed", async (HttpRequest request, IClipEncoder clip) =>
{
    using var picture = await PictureAsync(request);
    return clip.EmbedImages([picture])[0];
});

app.MapPost("/classify", async (HttpRequest request, ZeroShotClassifier classifier) =>
{
    using var picture = await PictureAsync(request);
    return classifier.Classify(picture).Select(answer => new { answer.ClassName, answer.Probability });
});

app.MapPut("/pictures/{id}", async (string id, HttpRequest request, ImageSearchIndex index) =>
{
    using var picture = await PictureAsync(request);
    index.Add(id, picture, request.Query.ToDictionary(pair => pair.Key, pair => pair.Value.ToString()));
    return Results.Created($"/pictures/{id}", null);
});

app.MapDelete("/pictures/{id}", (string id, ImageSearchIndex index) => index.Remove(id) == 1 ? Results.NoContent() : Results.NotFound());

app.MapGet("/search", (string text, int? top, int? skip, ImageSearchIndex index) => index.Search(text, Page(top, skip)));

app.MapPost("/search", async (HttpRequest request, int? top, int? skip, ImageSearchIndex index) =>
{
    using var picture = await PictureAsync(request);
    return index.Search(picture, Page(top, skip));
});

app.Run();

string Setting(string key) => builder.Configuration[key] is { Length: > 0 } value ? value
    : throw new InvalidOperationException($"{key} is not set: in appsettings.json, or as --{key} VALUE.");

static SearchOptions Page(int? top, int? skip) => new() { Top = Math.Min(top ?? 10, 100), Skip = skip ?? 0 };

static async Task<RasterImage> PictureAsync(HttpRequest request)
{
    using var body = new MemoryStream();
    await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
    return SkiaImageDecoder.Shared.Decode(body.GetBuffer().AsMemory(0, (int)body.Length), "the request's body");
}
