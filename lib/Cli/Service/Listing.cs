using System.Runtime.InteropServices;
using ClipNotebooks.Search;

namespace ClipNotebooks.Cli.Service;

/// <summary>An index's pictures in order, and the values by which their metadata group them.</summary>
/// <param name="Ids">The ids, the last added first.</param>
/// <param name="Facets">The values that the metadata of all pictures have, and how many pictures share them.</param>
internal sealed record Listing(IReadOnlyList<string> Ids, Facets Facets)
{
    /// <summary>A metadata key with more values than this is no facet: it tells pictures apart instead of grouping them.</summary>
    private const int MostValues = 200;

    private const int Keys = 12, ValuesOfKey = 30;

    internal static Listing Of(IEnumerable<IndexEntry> entries)
    {
        var ids = new List<string>();
        var counts = new Dictionary<string, Dictionary<string, int>>(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            ids.Add(entry.Id);
            foreach (var (key, value) in entry.Metadata)
            {
                if (!counts.TryGetValue(key, out var values)) counts[key] = values = new(StringComparer.Ordinal);
                if (values.Count <= MostValues) CollectionsMarshal.GetValueRefOrAddDefault(values, value, out _)++;
            }
        }
        ids.Reverse();
        var facets = counts
            .Where(key => key.Value.Count is > 1 and <= MostValues && key.Value.Values.Any(count => count > 1))
            .OrderBy(key => key.Key, StringComparer.Ordinal).Take(Keys)
            .Select(key => new Facet(key.Key, [.. key.Value
                .OrderByDescending(value => value.Value).ThenBy(value => value.Key, StringComparer.Ordinal)
                .Take(ValuesOfKey).Select(value => new FacetValue(value.Key, value.Value))]));
        return new Listing(ids, new Facets([.. facets]));
    }
}
