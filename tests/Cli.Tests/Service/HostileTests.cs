using System.Net;
using System.Net.Http.Json;
using System.Text;
using ClipNotebooks.Search;
using static ClipNotebooks.Cli.Tests.Service.Answers;

namespace ClipNotebooks.Cli.Tests.Service;

/// <summary>What the service answers to clients that do not mean well, or do not know better; it goes on afterwards.</summary>
public sealed class HostileTests : IAsyncLifetime
{
    private RunningService _service = null!;

    private HttpClient Client => _service.Client;

    public async ValueTask InitializeAsync() => _service = await RunningService.StartAsync(
        new() { MaxPictureBytes = 200_000, MaxPictures = 4, MaxBodyBytes = 600_000, MaxPixels = 1_000_000, MaxTextBytes = 100_000 });

    public async ValueTask DisposeAsync()
    {
        await Client.GetAsync("/health").SuccessAsync();
        await _service.DisposeAsync();
    }

    [Fact]
    public async Task An_id_is_looked_up_and_never_opened()
    {
        string[] ids = [
            "../pictures/cat.png", "../../../../../../etc/passwd", "/etc/passwd", "..\\..\\secret", "vectors.bin",
            "uploads/../journal.bin", "cat.png\0.txt", "%2e%2e%2fetc%2fpasswd",
        ];
        foreach (string id in ids)
        {
            foreach (string path in new[] { "original", "thumbnail" })
                await Client.GetAsync($"/v1/images/{path}?id={Uri.EscapeDataString(id)}").ProblemAsync(404);
            await Client.SearchAsync(new { terms = new[] { new { id } } }).ProblemAsync(404);
            string answer = await _service.RawAsync(
                $"GET /v1/images/original/../../../{id.Replace('\0', '0')} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            Assert.Matches("^HTTP/1.1 40[04] ", answer);
        }
    }

    [Fact]
    public async Task A_file_that_is_gone_or_became_something_else_is_not_handed_out()
    {
        string cat = Path.Combine(_service.Pictures, "cat.png"), dog = Path.Combine(_service.Pictures, "dog.png");
        File.Delete(cat);
        await Client.GetAsync("/v1/images/original?id=cat.png").ProblemAsync(404, "gone");
        await File.WriteAllTextAsync(Path.Combine(_service.IndexFolder, "secret"), "a secret");
        File.CreateSymbolicLink(cat, Path.Combine(_service.IndexFolder, "secret"));
        await Client.GetAsync("/v1/images/original?id=cat.png").ProblemAsync(404, "no picture any more");
        await File.WriteAllTextAsync(dog, "\u0089PNG not really");
        await Client.GetAsync("/v1/images/thumbnail?id=dog.png").ProblemAsync(404);
        await File.WriteAllBytesAsync(dog, [.. (await File.ReadAllBytesAsync(Path.Combine(_service.Pictures, "pizza.png"))).Take(900)]);
        await Client.GetAsync("/v1/images/thumbnail?id=dog.png").ProblemAsync(422, "dog.png");
    }

    [Fact]
    public async Task What_is_no_picture_or_too_large_a_one_is_refused_by_its_name()
    {
        await Client.PostAsync("/v1/embeddings/images", Image("plain text"u8.ToArray())).ProblemAsync(415, "JPEG, PNG, WebP, GIF and BMP");
        await Client.PostAsync("/v1/embeddings/images", Image([])).ProblemAsync(415, "empty");
        await Client.PostAsync("/v1/embeddings/images", Image(_service.Picture("cat.png")[..1000])).ProblemAsync(422, "the picture");
        // A kilobyte of PNG that claims 30,000 × 30,000 pixels.
        byte[] bomb = [.. _service.Picture("cat.png")];
        (bomb[18], bomb[19], bomb[22], bomb[23]) = (0x75, 0x30, 0x75, 0x30);
        await Client.PostAsync("/v1/images", Form(("image", bomb))).ProblemAsync(422, "30000 x 30000", "1,000,000");
        await Client.PostAsync("/v1/embeddings/images", Image(new byte[200_001])).ProblemAsync(413, "200,000 bytes");
        await Client.PostAsync("/v1/embeddings/images", Form(("a", new byte[3]))).ProblemAsync(415, "a.png");
        byte[] cat = _service.Picture("cat.png");
        await Client.PostAsync("/v1/embeddings/images", Form([.. Enumerable.Range(0, 5).Select(i => ($"p{i}", (object)cat))]))
            .ProblemAsync(413, "more than 4 pictures");
        await Client.PostAsync("/v1/classify?label=a", Form(("a", cat), ("b", cat))).ProblemAsync(400, "2 pictures; one is needed");
        await Client.PostAsync("/v1/images", new StringContent("{}")).ProblemAsync(415, "text/plain", "multipart/form-data");
        await Client.PostAsync("/v1/images", null).ProblemAsync(415, "missing");
    }

    [Fact]
    public async Task A_body_that_is_longer_than_any_may_be_ends_before_it_has_come()
    {
        string start = "POST /v1/embeddings/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nConnection: close\r\n";
        Assert.StartsWith("HTTP/1.1 413 ", await _service.RawAsync(start + "Content-Length: 999999999999\r\n\r\n"),
            StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 413 ", await _service.RawAsync(start + "Transfer-Encoding: chunked\r\n\r\n" +
            string.Concat(Enumerable.Repeat($"4000\r\n{new string('x', 0x4000)}\r\n", 14)) + "0\r\n\r\n"), StringComparison.Ordinal);
        await Client.PostAsJsonAsync("/v1/embeddings/texts", new { texts = new[] { new string('x', 200_000) } }).ProblemAsync(413);
        await Client.SearchAsync(new { terms = new[] { new { text = new string('x', 200_000) } } }).ProblemAsync(413);
    }

    [Fact]
    public async Task More_pictures_at_once_than_are_held_are_asked_to_come_later()
    {
        await using var small = await RunningService.StartAsync(new() { MaxHeldBytes = 50_000 }, hasIndex: false);
        byte[] cat = _service.Picture("cat.png");
        for (int i = 0; i < 20; i++) await small.Client.PostAsync("/v1/embeddings/images", Image(cat)).SuccessAsync();
        using var later = await small.Client.PostAsync("/v1/embeddings/images", Image([.. cat, .. new byte[60_000]]));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(3)), (later.StatusCode, later.Headers.RetryAfter!.Delta));
        await small.Client.PostAsync("/v1/embeddings/images", Image(cat)).SuccessAsync();
    }

    [Fact]
    public async Task A_form_that_is_cut_short_or_no_UTF_8_is_said_to_be_so()
    {
        async Task<string> FormAsync(byte[] body, string type = "multipart/form-data; boundary=b")
        {
            byte[] head = Encoding.ASCII.GetBytes($"POST /v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: {type}\r\n" +
                $"Content-Length: {body.Length}\r\nConnection: close\r\n\r\n");
            return await _service.RawAsync([.. head, .. body]);
        }
        byte[] field = "--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n"u8.ToArray();
        Assert.Contains("cut short", await FormAsync([.. field, .. "half"u8]));
        Assert.Contains("not UTF-8", await FormAsync([.. field, 0xff, 0xfe, .. "\r\n--b--\r\n"u8]));
        Assert.Contains("no boundary", await FormAsync(field, "multipart/form-data"));
        Assert.Contains("has no name", await FormAsync("--b\r\nX: y\r\n\r\nz\r\n--b--\r\n"u8.ToArray()));
        Assert.Contains("more than 2,000 fields", await FormAsync(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 2001)
            .Select(i => $"--b\r\nContent-Disposition: form-data; name=\"{i}\"\r\n\r\n\r\n")) + "--b--\r\n")));
        Assert.Contains("0 pictures", await FormAsync([.. field, .. "x\r\n--b--\r\n"u8]));
        Assert.StartsWith("HTTP/1.1 400 ", await FormAsync([.. "--b\r\n"u8, .. Encoding.ASCII.GetBytes(new string('h', 40_000))]));
    }

    [Fact]
    public async Task JSON_that_is_none_or_another_is_said_to_be_so()
    {
        string[] bodies = [
            "{\"texts\": [\"a\xff\"]}", "{\"texts\": [\"half a character \\ud800\"]}", "{\"texts\": \"a\"}", "{\"texts\": [1]}",
            "{\"text\": [\"a\"]}", "{\"texts\": [\"a\"", "{\"texts\": []}", "{\"texts\": [\" \"]}", "{\"texts\": [null]}", "null", "",
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        ];
        foreach (string json in bodies)
        {
            ByteArrayContent body = new(Encoding.Latin1.GetBytes(json));
            body.Headers.ContentType = new("application/json");
            await Client.PostAsync("/v1/embeddings/texts", body).ProblemAsync(400);
        }
    }

    [Fact]
    public async Task A_query_that_makes_no_sense_is_refused_by_its_term()
    {
        (string Query, string Words)[] queries =
        [
            ("""{"terms": [{}]}""", "exactly one"),
            ("""{"terms": [{"text": "a", "id": "b"}]}""", "exactly one"),
            ("""{"terms": [{"text": ""}]}""", "empty"),
            ("""{"terms": [null]}""", "null"),
            ("""{"terms": [{"text": "a", "weight": 0}]}""", "weight 0"),
            ("""{"terms": [{"text": "a", "weight": 1e300}]}""", "-100 to 100"),
            ("""{"terms": [{"image": "mine"}]}""", "mine"),
            ("""{"terms": [{"text": "a"}], "top": 0}""", "top is 0"),
            ("""{"terms": [{"text": "a"}], "top": 1000000}""", "1 to 200"),
            ("""{"terms": [{"text": "a"}], "skip": -1}""", "skip is -1"),
            ("""{"terms": [{"text": "a"}, {"text": "a", "weight": -1}]}""", "cancel"),
            ("""{"terms": [{"text": "a"}], "filter": {"kind": null}, "top": 99999999999}""", "$.top"),
        ];
        foreach (var (query, words) in queries)
            await Client.PostAsync("/v1/search", new StringContent(query, Encoding.UTF8, "application/json")).ProblemAsync(400, words);
    }

    [Fact]
    public async Task A_thousand_labels_are_answered_and_more_are_refused()
    {
        byte[] cat = _service.Picture("cat.png");
        (string, object)[] Labels(int count) =>
            [("image", cat), .. Enumerable.Range(0, count).Select(i => ("label", (object)$"thing {i}"))];
        var answer = await Client.PostAsync("/v1/classify", Form(Labels(1000))).SuccessAsync();
        Assert.Equal(1000, answer.GetProperty("classes").GetArrayLength());
        Assert.Equal(1, answer.GetProperty("classes").EnumerateArray().Sum(each => each.GetProperty("probability").GetDouble()), 1e-6);
        await Client.PostAsync("/v1/classify", Form(Labels(1001))).ProblemAsync(413, "1,001");
        await Client.PostAsync("/v1/classify", Form(Labels(0))).ProblemAsync(400, "\"label\"");
        await Client.PostAsync("/v1/classify?label=a&label=a", Image(cat)).ProblemAsync(400, "2 times");
        await Client.PostAsync("/v1/classify?label=a&template=none", Image(cat)).ProblemAsync(400, "{}");
        await Client.PostAsync("/v1/classify?label=a&top=x", Image(cat)).ProblemAsync(400, "top");
        await Client.PostAsync("/v1/classify?label=a&multiLabel=maybe", Image(cat)).ProblemAsync(400, "true or false");
    }

    [Fact]
    public async Task Ids_and_metadata_that_cannot_be_kept_are_refused_and_no_file_is_left()
    {
        byte[] cat = _service.Picture("cat.png");
        foreach (var (name, value) in new (string, string)[] { ("id", new string('x', 501)), ("id", "a\nb"), ("id", ""),
            ("metadata", "[]"), ("metadata", """{"a": 1}"""), ("metadata", """{"a": null}"""), ("metadata", "{\"a\": \"\\ud800\"}") })
            await Client.PostAsync("/v1/images", Form(("image", cat), (name, value))).ProblemAsync(400);
        await Client.PostAsync("/v1/images", Form(("image", cat), ("id", "a"), ("id", "b"))).ProblemAsync(400, "2 times");
        Assert.False(Directory.Exists(Path.Combine(_service.IndexFolder, "uploads")));
        await Client.DeleteAsync("/v1/images").ProblemAsync(400);
        await Client.GetAsync("/v1/nothing").ProblemAsync(404, "/v1/nothing");
        await Client.GetAsync("/v1/search").ProblemAsync(405, "GET");
    }

    [Fact]
    public async Task An_index_that_another_writes_to_is_searched_and_not_changed()
    {
        using (var other = ImageSearchIndex.Open(_service.IndexFolder, _service.Encoder))
        {
            other.Remove("pizza.png");
            using var refused = await Client.PostAsync("/v1/images?id=new", Image(_service.Picture("cat.png")));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
            await Client.DeleteAsync("/v1/images?id=cat.png").ProblemAsync(503, "Nothing was changed");
            await Client.SearchAsync(new { terms = new[] { new { text = "a cat" } } }).SuccessAsync();
            string uploads = Path.Combine(_service.IndexFolder, "uploads");
            Assert.True(!Directory.Exists(uploads) || Directory.GetFiles(uploads).Length == 0);
        }
        await Client.PostAsync("/v1/images?id=new", Image(_service.Picture("cat.png"))).SuccessAsync(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Adding_removing_and_searching_at_once_leave_an_index_that_is_whole()
    {
        byte[] cat = _service.Picture("cat.png"), dog = _service.Picture("dog.png");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async client =>
        {
            for (int i = 0; i < 12; i++)
            {
                string id = $"shared {i % 3}";
                using var added = await Client.PostAsync($"/v1/images?id={id}", Image(client % 2 == 0 ? cat : dog));
                Assert.Equal(HttpStatusCode.Created, added.StatusCode);
                await Client.SearchAsync(new { terms = new[] { new { text = "a cat" } }, top = 20 }).SuccessAsync();
                using var removed = await Client.DeleteAsync($"/v1/images?id={id}");
                Assert.True(removed.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.NotFound);
                using var shown = await Client.GetAsync($"/v1/images/thumbnail?id={id}");
                Assert.True(shown.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound, $"{shown.StatusCode}");
            }
        }));
        using var index = ImageSearchIndex.Open(_service.IndexFolder);
        index.Verify();
        Assert.Equal(index.Count - 6, Directory.GetFiles(Path.Combine(_service.IndexFolder, "uploads")).Length);
    }
}
