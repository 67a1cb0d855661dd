namespace ClipNotebooks.Cli.Service;

/// <summary>The content of a request: pictures, ready for the model, and fields.</summary>
internal sealed class Upload
{
    internal List<Picture> Pictures { get; } = [];

    internal Dictionary<string, List<string>> Fields { get; } = new(StringComparer.Ordinal);

    /// <summary>The value of a field that may be given at most once; null if it is not given.</summary>
    /// <exception cref="ApiProblem">The field is given several times.</exception>
    internal string? Field(string name) => !Fields.TryGetValue(name, out var values) ? null : values.Count == 1 ? values[0]
        : throw ApiProblem.Request($"The field \"{name}\" is there {values.Count} times; it is read once.");

    /// <summary>The only picture of the request.</summary>
    /// <exception cref="ApiProblem">There is no picture, or there are several.</exception>
    internal Picture One() => Pictures.Count == 1 ? Pictures[0] : throw ApiProblem.Request(
        $"The request brings {Pictures.Count} pictures; one is needed, as the body (Content-Type: image/…) or as a file of a form.");

    /// <param name="Part">The name of the form's field.</param>
    /// <param name="Name">What the client calls the file.</param>
    /// <param name="Pixels">The pixels as the model takes them.</param>
    /// <param name="Bytes">The file's bytes, if they were asked for.</param>
    internal sealed record Picture(string Part, string Name, float[] Pixels, byte[]? Bytes);
}
