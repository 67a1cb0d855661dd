using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace ClipNotebooks.Cli.Tests.Service;

/// <summary>Requests as clients make them, and what is answered.</summary>
internal static class Answers
{
    internal static ByteArrayContent Image(byte[] bytes, string type = "image/png")
    {
        ByteArrayContent content = new(bytes);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        return content;
    }

    /// <summary>A form; values that are bytes are files.</summary>
    internal static MultipartFormDataContent Form(params (string Name, object Value)[] parts)
    {
        MultipartFormDataContent form = [];
        foreach (var (name, value) in parts)
        {
            if (value is byte[] bytes) form.Add(Image(bytes), name, name + ".png");
            else form.Add(new StringContent((string)value), name);
        }
        return form;
    }

    internal static async Task<JsonElement> SuccessAsync(this Task<HttpResponseMessage> asked, HttpStatusCode status = HttpStatusCode.OK)
    {
        using var answer = await asked;
        string body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == status, $"{answer.StatusCode}: {body}");
        return body.Length == 0 ? default : JsonDocument.Parse(body).RootElement;
    }

    /// <summary>A problem as RFC 9457 has it, with this status and these words in its detail.</summary>
    internal static async Task<JsonElement> ProblemAsync(this Task<HttpResponseMessage> asked, int status, params string[] words)
    {
        using var answer = await asked;
        string body = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == status, $"{(int)answer.StatusCode} in place of {status}: {body}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonDocument.Parse(body).RootElement;
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.StartsWith("urn:clipbook:", problem.GetProperty("type").GetString(), StringComparison.Ordinal);
        Assert.NotEmpty(problem.GetProperty("title").GetString()!);
        string detail = problem.GetProperty("detail").GetString()!;
        Assert.All(words, word => Assert.Contains(word, detail, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", detail, StringComparison.Ordinal);
        return problem;
    }

    internal static Task<HttpResponseMessage> SearchAsync(this HttpClient client, object query) =>
        client.PostAsJsonAsync("/v1/search", query);

    internal static string[] Ids(this JsonElement found) =>
        [.. found.GetProperty("results").EnumerateArray().Select(hit => hit.GetProperty("id").GetString()!)];

    internal static float[] Row(this JsonElement embedding) => [.. embedding.EnumerateArray().Select(value => value.GetSingle())];
}
