using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook;
using static ClipNotebooks.Cli.Tests.Service.Answers;

namespace ClipNotebooks.Cli.Tests.Service;

/// <summary>What the service answers to clients that mean well.</summary>
public sealed class ApiTests : IAsyncLifetime
{
    private RunningService _service = null!;

    private HttpClient Client => _service.Client;

    public async ValueTask InitializeAsync() => _service = await RunningService.StartAsync();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task Embeddings_are_the_library_s()
    {
        var texts = await Client.PostAsJsonAsync("/v1/embeddings/texts", new { texts = new[] { "a cat at night", "a pizza" } })
            .SuccessAsync();
        float[][] expected = _service.Encoder.EmbedTexts(["a cat at night", "a pizza"]);
        Assert.Equal(expected[0].Length, texts.GetProperty("width").GetInt32());
        for (int i = 0; i < 2; i++) Close(expected[i], texts.GetProperty("embeddings")[i].Row());

        byte[] cat = _service.Picture("cat.png"), dog = _service.Picture("dog.png");
        using var image = RasterImage.Load(Path.Combine(_service.Pictures, "cat.png"));
        float[] row = _service.Encoder.EmbedImages([image])[0];
        var alone = await Client.PostAsync("/v1/embeddings/images", Image(cat)).SuccessAsync();
        Close(row, alone.GetProperty("embeddings")[0].GetProperty("embedding").Row());
        var several = await Client.PostAsync("/v1/embeddings/images", Form(("a", dog), ("b", cat))).SuccessAsync();
        Assert.Equal(["a.png", "b.png"],
            several.GetProperty("embeddings").EnumerateArray().Select(each => each.GetProperty("name").GetString()));
        Close(row, several.GetProperty("embeddings")[1].GetProperty("embedding").Row());
    }

    [Fact]
    public async Task Classes_are_those_of_the_command_with_templates_and_each_by_itself_too()
    {
        byte[] cat = _service.Picture("cat.png");
        var answer = await Client.PostAsync("/v1/classify?label=cat&label=dog&label=pizza", Image(cat)).SuccessAsync();
        var (_, said, _) = await Clipbook.RunAsync("classify", Path.Combine(_service.Pictures, "cat.png"), "--labels", "cat,dog,pizza",
            "--precision", "float32", "--json");
        var expected = JsonDocument.Parse(said).RootElement.GetProperty("classes");
        foreach (var (i, each) in answer.GetProperty("classes").EnumerateArray().Index())
        {
            Assert.Equal(expected[i].GetProperty("label").GetString(), each.GetProperty("label").GetString());
            Assert.Equal(expected[i].GetProperty("probability").GetDouble(), each.GetProperty("probability").GetDouble(), 1e-4);
        }
        Assert.False(answer.GetProperty("isIndependent").GetBoolean());
        var several = await Client.PostAsync("/v1/classify", Form(("image", cat), ("label", "cat"), ("label", "dog"),
            ("template", "a photo of a {}."), ("template", "a drawing of a {}."), ("multiLabel", "true"), ("top", "1"))).SuccessAsync();
        Assert.True(several.GetProperty("isIndependent").GetBoolean());
        Assert.Equal("cat", Assert.Single(several.GetProperty("classes").EnumerateArray()).GetProperty("label").GetString());
    }

    [Fact]
    public async Task Search_is_by_words_by_pictures_by_the_index_s_own_and_by_what_they_shall_not_show()
    {
        var words = await Client.SearchAsync(new { terms = new[] { new { text = "a pizza" } }, top = 2 }).SuccessAsync();
        Assert.Equal("pizza.png", words.Ids()[0]);
        Assert.True(words.GetProperty("more").GetBoolean());
        var next = await Client.SearchAsync(new { terms = new[] { new { text = "a pizza" } }, top = 10, skip = 2 }).SuccessAsync();
        Assert.Equal(6, words.Ids().Concat(next.Ids()).Distinct().Count());
        Assert.False(next.GetProperty("more").GetBoolean());

        Assert.Equal("dog.png", (await Client.PostAsync("/v1/search", Image(_service.Picture("dog.png"))).SuccessAsync()).Ids()[0]);
        string query = """{"terms": [{"image": "mine"}, {"text": "a cat", "weight": -0.5}], "top": 1}""";
        Assert.Equal("dog.png", (await Client.PostAsync("/v1/search",
            Form(("query", query), ("mine", _service.Picture("dog.png")))).SuccessAsync()).Ids()[0]);
        var like = await Client.SearchAsync(new { terms = new object[] { new { id = "cat.png" } } }).SuccessAsync();
        Assert.Equal("cat.png", like.Ids()[0]);
        Assert.Equal(1, like.GetProperty("results")[0].GetProperty("score").GetDouble(), 1e-4);
        var unlike = await Client.SearchAsync(new { terms = new object[] { new { id = "cat.png", weight = -1 } } }).SuccessAsync();
        Assert.Equal("cat.png", unlike.Ids()[^1]);
    }

    [Fact]
    public async Task Metadata_are_counted_and_narrow_a_search_and_without_a_query_the_newest_come_first()
    {
        var keys = (await Client.GetAsync("/v1/facets").SuccessAsync()).GetProperty("keys");
        var kind = Assert.Single(keys.EnumerateArray());       // that each file has a name of its own groups nothing
        Assert.Equal("kind", kind.GetProperty("key").GetString());
        Assert.Equal([("c or d", 3), ("other", 3)], kind.GetProperty("values").EnumerateArray()
            .Select(value => (value.GetProperty("value").GetString()!, value.GetProperty("count").GetInt32())));
        var filter = new Dictionary<string, string[]> { ["kind"] = ["c or d"] };
        var narrow = await Client.SearchAsync(new { terms = new[] { new { text = "a pizza" } }, filter }).SuccessAsync();
        Assert.Equal(["castle.png", "cat.png", "dog.png"], narrow.Ids().Order());
        Assert.Equal(3, (await Client.SearchAsync(new { filter }).SuccessAsync()).Ids().Length);

        await Client.PostAsync("/v1/images", Form(("id", "new"), ("image", _service.Picture("cat.png")), ("metadata",
            """{"kind": "other"}"""))).SuccessAsync(HttpStatusCode.Created);
        var newest = await Client.SearchAsync(new { top = 1 }).SuccessAsync();
        Assert.Equal("new", newest.Ids().Single());
        Assert.Equal(JsonValueKind.Null, newest.GetProperty("results")[0].GetProperty("score").ValueKind);
        kind = (await Client.GetAsync("/v1/facets").SuccessAsync()).GetProperty("keys")[0];
        Assert.Equal(4, kind.GetProperty("values")[0].GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task A_picture_is_added_found_shown_replaced_and_removed()
    {
        byte[] boat = await File.ReadAllBytesAsync(Path.Combine(Lesson.Data, "images", "sailboat.png"));
        const string Id = "a/../../b ?&#% 사진.png";
        string query = "?id=" + Uri.EscapeDataString(Id);
        var added = await Client.PostAsync("/v1/images", Form(("image", boat), ("id", Id), ("metadata", """{"place": "the sea"}""")))
            .SuccessAsync(HttpStatusCode.Created);
        Assert.Equal((Id, false), (added.GetProperty("id").GetString(), added.GetProperty("replaced").GetBoolean()));
        var found = (await Client.SearchAsync(new { terms = new[] { new { text = "a sailboat" } } }).SuccessAsync())
            .GetProperty("results").EnumerateArray().Single(hit => hit.GetProperty("id").GetString() == Id);
        Assert.Equal("the sea", found.GetProperty("metadata").GetProperty("place").GetString());
        Assert.Equal(boat, await Client.GetByteArrayAsync(found.GetProperty("original").GetString()));
        using var small = await Client.GetAsync(found.GetProperty("thumbnail").GetString());
        Assert.Equal("image/jpeg", small.Content.Headers.ContentType?.MediaType);
        string file = Path.Combine(_service.IndexFolder, "small.jpg");
        await File.WriteAllBytesAsync(file, await small.Content.ReadAsByteArrayAsync());
        using (var image = RasterImage.Load(file)) Assert.Equal((256, 256), (image.Width, image.Height));

        added = await Client.PostAsync("/v1/images" + query, Image(_service.Picture("cat.png"))).SuccessAsync(HttpStatusCode.Created);
        Assert.True(added.GetProperty("replaced").GetBoolean());
        Assert.Equal(_service.Picture("cat.png"), await Client.GetByteArrayAsync("/v1/images/original" + query));
        string kept = Assert.Single(Directory.GetFiles(Path.Combine(_service.IndexFolder, "uploads")));
        Assert.Matches("^[0-9a-f]{64}$", Path.GetFileName(kept));

        await Client.DeleteAsync("/v1/images" + query).SuccessAsync(HttpStatusCode.NoContent);
        Assert.False(File.Exists(kept));
        await Client.DeleteAsync("/v1/images" + query).ProblemAsync(404, "사진.png");
        await Client.GetAsync("/v1/images/original" + query).ProblemAsync(404);
        await Client.DeleteAsync("/v1/images?id=cat.png").SuccessAsync(HttpStatusCode.NoContent);
        Assert.True(File.Exists(Path.Combine(_service.Pictures, "cat.png")));
    }

    [Fact]
    public async Task A_picture_is_removed_also_where_nobody_has_added_one()
    {
        await Client.DeleteAsync("/v1/images?id=cat.png").SuccessAsync(HttpStatusCode.NoContent);
        await Client.DeleteAsync("/v1/images?id=cat.png").ProblemAsync(404);
        Assert.Equal(5, (await Client.GetAsync("/health").SuccessAsync()).GetProperty("images").GetInt32());
    }

    [Fact]
    public async Task Fields_of_a_picture_that_is_the_body_stand_in_the_address()
    {
        string metadata = Uri.EscapeDataString("""{"place": "the sea"}""");
        await Client.PostAsync($"/v1/images?id=boat&metadata={metadata}", Image(_service.Picture("cat.png")))
            .SuccessAsync(HttpStatusCode.Created);
        var found = (await Client.SearchAsync(new { terms = new[] { new { text = "a cat" } } }).SuccessAsync())
            .GetProperty("results").EnumerateArray().Single(hit => hit.GetProperty("id").GetString() == "boat");
        Assert.Equal("the sea", found.GetProperty("metadata").GetProperty("place").GetString());
    }

    /// <summary>Classifiers are kept by their labels.</summary>
    [Fact]
    public async Task No_labels_are_taken_for_others()
    {
        var cat = _service.Picture("cat.png");
        foreach (string[] labels in new string[][] { ["cat\0dog", "bird"], ["cat", "dog", "bird"], ["cat", "dog\0bird"] })
        {
            var answer = await Client.PostAsync("/v1/classify?" + string.Join('&', labels.Select(each => "label=" +
                Uri.EscapeDataString(each))), Image(cat)).SuccessAsync();
            Assert.Equal(labels.Order(StringComparer.Ordinal), answer.GetProperty("classes").EnumerateArray()
                .Select(each => each.GetProperty("label").GetString()!).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task Json_in_an_unknown_charset_is_refused()
    {
        foreach (string address in new[] { "/v1/search", "/v1/embeddings/texts" })
        {
            using ByteArrayContent body = new("{}"u8.ToArray());
            body.Headers.TryAddWithoutValidation("Content-Type", "application/json; charset=klingon");
            await Client.PostAsync(address, body).ProblemAsync(415, "UTF-8");
        }
    }

    [Fact]
    public async Task The_description_names_each_address_and_its_bodies_and_the_service_says_how_it_is()
    {
        var api = await Client.GetAsync("/openapi/v1.json").SuccessAsync();
        Assert.StartsWith("3.", api.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        Assert.Equal(["/health", "/v1/classify", "/v1/embeddings/images", "/v1/embeddings/texts", "/v1/facets", "/v1/images",
            "/v1/images/original", "/v1/images/thumbnail", "/v1/search"],
            api.GetProperty("paths").EnumerateObject().Select(path => path.Name).Order(StringComparer.Ordinal));
        var body = api.GetProperty("paths").GetProperty("/v1/search").GetProperty("post").GetProperty("requestBody").GetProperty("content");
        Assert.Equal(["application/json", "image/*", "multipart/form-data"], body.EnumerateObject().Select(type => type.Name).Order());
        var parameters = api.GetProperty("paths").GetProperty("/v1/classify").GetProperty("post").GetProperty("parameters");
        Assert.Equal(["label", "multiLabel", "template", "top"], parameters.EnumerateArray()
            .Where(one => one.GetProperty("in").GetString() == "query").Select(one => one.GetProperty("name").GetString()).Order());
        var health = await Client.GetAsync("/health").SuccessAsync();
        Assert.Equal(("ready", 6), (health.GetProperty("status").GetString(), health.GetProperty("images").GetInt32()));
        Assert.False(health.GetProperty("needsKey").GetBoolean());
    }

    [Fact]
    public async Task What_another_program_indexes_meanwhile_is_found()
    {
        File.Copy(Path.Combine(Lesson.Data, "images", "sailboat.png"), Path.Combine(_service.Pictures, "sailboat.png"));
        var (code, _, error) = await Clipbook.RunAsync(
            "index", _service.Pictures, "--index", _service.IndexFolder, "--precision", "float32");
        Assert.True(code == 0, error);
        await Task.Delay(1100);
        var found = await Client.SearchAsync(new { terms = new[] { new { text = "a sailboat" } } }).SuccessAsync();
        Assert.Equal("sailboat.png", found.Ids()[0]);
    }

    /// <summary>Sums of a batch are added up in another order: a few units of float32's last place.</summary>
    private static void Close(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
    }
}
