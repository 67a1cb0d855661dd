using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// A view that the reader can operate wherever scripts run: in a book, in VS Code and in Jupyter. It brings its scripts and its data and
/// loads nothing from elsewhere. Where scripts do not run, its still form (static markup) is shown. A view that computes with the model in
/// the page is live only in a book, where the model's files lie beside the page.
/// </summary>
public abstract class Interactive : View
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The name of the view's script, without the extension.</summary>
    private protected abstract string Script { get; }

    /// <summary>Whether it computes with a model in the page.</summary>
    private protected virtual bool NeedsModel => false;

    /// <summary>The model that it computes with.</summary>
    private protected virtual string Model => InteractiveModel.Scenes;

    /// <summary>What the script is given: public properties of strings, numbers and arrays.</summary>
    private protected abstract object Content { get; }

    /// <summary>The markup that is shown where no script runs.</summary>
    private protected abstract string Still();

    /// <inheritdoc/>
    public override string ToHtml() => $"""
        {Note}<div class="clip-live" data-live="{Script}{(NeedsModel ? InteractiveModel.Mark(Model) : "\"")} lang="{Lesson.Language}">
        <div class="clip-live-still">{Still()}{(NeedsModel ? Elsewhere : "")}</div>
        <script type="application/json">{Given()}</script>
        </div>
        <script>
        {Resource("live.js")}{Resource(Script + ".js")}</script>
        """;

    /// <summary>
    /// The content as JSON. No character in it can end the script element that holds it, and base64's plus stays one character instead of
    /// six.
    /// </summary>
    private string Given() => JsonSerializer.Serialize(Content, Json).Replace("<", "\\u003C", StringComparison.Ordinal);

    private string Note => NeedsModel && Model == InteractiveModel.Scenes ? InteractiveModel.Note(Lesson.Model) : "";

    private static string Elsewhere => $"<p style=\"font-size:0.85em;margin:0.3em 0\">{Markup.Escape(Lesson.In(
        "This is its still form. In the book it answers: run `clipbook run` and open this lesson's page under artifacts/book.",
        "멈춘 모습입니다. 책에서는 손에 반응합니다. "
        + "`clipbook run`을 실행한 뒤 artifacts/book 아래 이 수업의 페이지를 여세요."))}</p>";

    /// <summary>A tensor as 16-bit floats, little-endian, in base64.</summary>
    private protected static string Halves(Tensor values)
    {
        using var scope = NewDisposeScope();
        return Convert.ToBase64String(values.detach().cpu().to(float16).contiguous().bytes);
    }

    /// <summary>A tensor's values in their order, rounded: what a page shows needs no more.</summary>
    private protected static double[] Numbers(Tensor values, int digits)
    {
        using var scope = NewDisposeScope();
        return [.. values.detach().cpu().to(float64).contiguous().data<double>().ToArray().Select(value => Math.Round(value, digits))];
    }

    internal static string Resource(string name)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly()
            .GetManifestResourceStream(name) ?? throw new InvalidOperationException($"The library does not carry {name}."));
        return reader.ReadToEnd();
    }
}
