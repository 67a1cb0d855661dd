using ClipNotebooks.Core.Images;
using ClipNotebooks.Search;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// What a search found: the query over its pictures, the nearest first, each with its rank and its cosine similarity as number and bar.
/// </summary>
public sealed class SearchGallery : View
{
    private const int Side = 120;

    private readonly string _query;
    private readonly (RasterImage Image, string Name, double Score)[] _results;

    /// <summary>Takes the results as a search returns them.</summary>
    /// <param name="query">What was asked for.</param>
    /// <param name="results">Each picture with its name or caption and its cosine similarity, −1 to 1, in order; may be empty.</param>
    /// <exception cref="ArgumentException">A score is not from −1 to 1.</exception>
    public SearchGallery(string query, IEnumerable<(RasterImage Image, string Name, double Score)> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        _query = query;
        _results = [.. results];
        // A product of two vectors of length 1 in float32 may pass 1 by some units in the last place.
        foreach (var (_, name, score) in _results)
            if (!(Math.Abs(score) <= 1 + 1e-5)) throw new ArgumentException(
                $"\"{query}\": the score of \"{name}\" is {score}; a cosine similarity is from −1 to 1.", nameof(results));
    }

    /// <summary>Takes what an index found.</summary>
    /// <param name="query">What was asked for.</param>
    /// <param name="results">In order; may be empty.</param>
    /// <param name="picture">Each result's picture and the name to show with it.</param>
    public SearchGallery(string query, IEnumerable<SearchResult> results, Func<SearchResult, (RasterImage Image, string Name)> picture)
        : this(query, results.Select(result => (picture(result).Image, picture(result).Name, (double)result.Score)))
    {
    }

    /// <inheritdoc/>
    public override string ToHtml() =>
        $"<div style=\"margin:0.5em 0\"><p style=\"margin:0 0 0.4em\"><strong>{Markup.Escape(_query)}</strong></p>"
        + (_results.Length == 0 ? $"<p style=\"margin:0\">{Nothing}</p>"
        : "<ol style=\"display:flex;flex-wrap:wrap;gap:12px;list-style:none;margin:0;padding:0\">" +
            string.Concat(_results.Select((result, i) =>
            $"<li style=\"margin:0;width:{Side}px\">{Markup.Image(result.Image, $"{i + 1}: {result.Name}", Side)}" +
            $"<div aria-hidden=\"true\" style=\"height:4px;margin:3px 0;background:rgba(128,128,128,0.25);border-radius:2px\"><div " +
                $"style=\"height:4px;width:{Markup.At(100 * Math.Clamp(result.Score, 0, 1))}%;" +
                "background:#3b82c4;border-radius:2px\"></div></div>" +
            $"<div style=\"font-size:0.8em;line-height:1.35;overflow-wrap:anywhere\"><strong>{i + 1}</strong> · " +
                $"{Score(result.Score)}<br>{Markup.Escape(result.Name)}</div></li>")) + "</ol>") + "</div>";

    /// <inheritdoc/>
    public override string ToText() => string.Join(Environment.NewLine, _results
        .Select((result, i) => $"{i + 1,3}  {Score(result.Score)}  {result.Name}").DefaultIfEmpty(Nothing).Prepend(_query));

    private static string Nothing => Lesson.In("nothing found", "찾은 것이 없습니다");

    private static string Score(double score) => FormattableString.Invariant($"{score:0.000;-0.000;0.000}");
}
