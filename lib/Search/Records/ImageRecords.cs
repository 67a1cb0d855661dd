using System.Linq.Expressions;
using System.Runtime.CompilerServices;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Search.Rows;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;

namespace ClipNotebooks.Search.Records;

/// <summary>
/// A store as a collection of Microsoft.Extensions.VectorData: records of your own type, whose attributes say which property is the key,
/// the data and the vector. Keys are the images' names, data are their metadata, kept as text, so that images that were indexed from files
/// are records too. Filters run where the rows are: in this process for a folder, in the server for PostgreSQL. Thread-safe, as the store
/// is.
/// </summary>
/// <remarks>
/// Searched by texts and images through the store's encoder (<see cref="string"/>, <see cref="RasterImage"/>, <see cref="SearchQuery"/>),
/// or by vectors (<c>float[]</c>, <c>ReadOnlyMemory&lt;float&gt;</c>, <c>Embedding&lt;float&gt;</c>). Vectors are stored and returned
/// L2-normalised; the score is the cosine similarity. The type needs a constructor without parameters.
/// </remarks>
/// <typeparam name="TRecord">The record.</typeparam>
public sealed class ImageRecords<TRecord> : VectorStoreCollection<string, TRecord> where TRecord : class
{
    private const string SystemName = "clip-notebooks";

    private readonly ImageStore _store;
    private readonly bool _ownsStore;
    private readonly RecordShape _shape;
    private volatile bool _deleted;

    /// <summary>Wraps a store.</summary>
    /// <param name="store">The store, in a folder or in PostgreSQL.</param>
    /// <param name="ownsStore">Whether the store is closed with the collection.</param>
    /// <exception cref="ArgumentException">
    /// The record has no key or vector, or more than one, or its vector has another width than the store's.
    /// </exception>
    /// <exception cref="NotSupportedException">A property has a type that cannot be stored; the message names it.</exception>
    public ImageRecords(ImageStore store, bool ownsStore = false)
    {
        ArgumentNullException.ThrowIfNull(store);
        (_store, _ownsStore, _shape) = (store, ownsStore, new RecordShape(typeof(TRecord), store.Width));
    }

    /// <summary>The store's place.</summary>
    public override string Name => _store.Place;

    /// <summary>Whether the store exists: true unless this object has deleted it.</summary>
    /// <param name="cancellationToken">Not used.</param>
    public override Task<bool> CollectionExistsAsync(CancellationToken cancellationToken = default) => Task.FromResult(!_deleted);

    /// <summary>Does nothing: an open store exists.</summary>
    /// <param name="cancellationToken">Not used.</param>
    /// <exception cref="InvalidOperationException">This object has deleted the store; open or create one, and take that.</exception>
    public override Task EnsureCollectionExistsAsync(CancellationToken cancellationToken = default) => _deleted
        ? throw new InvalidOperationException($"{Name} was deleted. Create a store again, and take its records.") : Task.CompletedTask;

    /// <summary>Deletes the store, its files or its tables, and closes it.</summary>
    /// <param name="cancellationToken">Stops before the deletion.</param>
    /// <exception cref="VectorStoreException">Another object writes to the store, or it cannot be reached.</exception>
    public override async Task EnsureCollectionDeletedAsync(CancellationToken cancellationToken = default)
    {
        if (_deleted) return;
        await Run("delete", () => _store.DeleteAsync(cancellationToken)).ConfigureAwait(false);
        _deleted = true;
        _store.Dispose();
    }

    /// <inheritdoc/>
    public override async Task<TRecord?> GetAsync(
        string key, RecordRetrievalOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        await foreach (var record in GetAsync([key], options, cancellationToken).ConfigureAwait(false)) return record;
        return null;
    }

    /// <inheritdoc/>
    public override IAsyncEnumerable<TRecord> GetAsync(
        IEnumerable<string> keys, RecordRetrievalOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        string[] asked = [.. keys.Distinct(StringComparer.Ordinal)];
        return Records(new RowQuery
        {
            Filter = new RowFilter.OneOf(_shape.Key, asked), Top = Math.Max(1, asked.Length), Vectors = options?.IncludeVectors ?? false,
        }, cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The filter has a part that stores cannot evaluate; the message quotes it.</exception>
    public override IAsyncEnumerable<TRecord> GetAsync(Expression<Func<TRecord, bool>> filter, int top,
        FilteredRecordRetrievalOptions<TRecord>? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        var order = options?.OrderBy?.Invoke(new()).Values ?? [];
        return Records(new RowQuery
        {
            Filter = FilterReader.Read(_shape, filter), Top = top, Skip = options?.Skip ?? 0, Vectors = options?.IncludeVectors ?? false,
            Order = [.. order.Select(by => (FilterReader.Field(_shape, by.PropertySelector), by.Ascending))],
        }, cancellationToken);
    }

    /// <inheritdoc/>
    public override Task DeleteAsync(string key, CancellationToken cancellationToken = default) => DeleteAsync([key], cancellationToken);

    /// <inheritdoc/>
    public override Task DeleteAsync(IEnumerable<string> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return Run("delete", () => _store.RemoveAsync([.. keys], cancellationToken));
    }

    /// <inheritdoc/>
    public override Task UpsertAsync(TRecord record, CancellationToken cancellationToken = default) =>
        UpsertAsync([record], cancellationToken);

    /// <summary>Adds records, or replaces those of the same keys, atomically. Of records with equal keys the last counts.</summary>
    /// <param name="records">The records.</param>
    /// <param name="cancellationToken">Stops; nothing is changed.</param>
    /// <exception cref="ArgumentException">
    /// A key is empty, or a vector is missing, of another width, all zeros or not finite; or the vectors are more than two billion
    /// numbers.
    /// </exception>
    /// <exception cref="VectorStoreException">Another object writes to the index, the device is full, or the server fails.</exception>
    public override Task UpsertAsync(IEnumerable<TRecord> records, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(records);
        var rows = records.Select(_shape.Row).GroupBy(row => row.Entry.Id, StringComparer.Ordinal).Select(group => group.Last()).ToList();
        return rows.Count == 0 ? Task.CompletedTask : Run("upsert", () => _store.UpsertAsync(rows, cancellationToken));
    }

    /// <summary>The records most similar to a text, an image or a vector.</summary>
    /// <typeparam name="TInput">The type of the search value.</typeparam>
    /// <param name="searchValue">
    /// A string, RasterImage, SearchQuery, float[], ReadOnlyMemory&lt;float&gt; or Embedding&lt;float&gt;.
    /// </param>
    /// <param name="top">The most records, k; at least 1.</param>
    /// <param name="options">The filter, how many to skip, the least score, and whether vectors are returned.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="NotSupportedException">Stores cannot be searched by such a value, or cannot evaluate the filter.</exception>
    /// <exception cref="ArgumentException">A vector has another width, or is all zeros or not finite.</exception>
    /// <exception cref="InvalidOperationException">
    /// A text or image is to be encoded, and the store was opened without an encoder.
    /// </exception>
    public override IAsyncEnumerable<VectorSearchResult<TRecord>> SearchAsync<TInput>(TInput searchValue, int top,
        VectorSearchOptions<TRecord>? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        var query = searchValue switch
        {
            SearchQuery whole => whole,
            string text => new SearchQuery().Plus(text),
            RasterImage image => new SearchQuery().Plus(image),
            float[] vector => new SearchQuery().Plus(vector),
            ReadOnlyMemory<float> vector => new SearchQuery().Plus(vector.Span),
            Embedding<float> embedding => new SearchQuery().Plus(embedding.Vector.Span),
            _ => throw new NotSupportedException($"No store is searched by a {typeof(TInput).Name}: give a string, RasterImage, " +
                "SearchQuery, float[], ReadOnlyMemory<float> or Embedding<float>."),
        };
        var asked = new RowQuery
        {
            Filter = options?.Filter is { } filter ? FilterReader.Read(_shape, filter) : null, Top = top, Skip = options?.Skip ?? 0,
            Vectors = options?.IncludeVectors ?? false, MinScore = options?.ScoreThreshold ?? -1,
        };
        return Found(cancellationToken);

        async IAsyncEnumerable<VectorSearchResult<TRecord>> Found([EnumeratorCancellation] CancellationToken stop)
        {
            float[] point = await Task.Run(() => _store.Embed(query), stop).ConfigureAwait(false);
            foreach (var (record, score) in await QueryAsync("search", asked with { Point = point }, stop).ConfigureAwait(false))
                yield return new VectorSearchResult<TRecord>(record, score);
        }
    }

    /// <summary>The collection itself, its store, or its metadata; null for anything else.</summary>
    /// <param name="serviceType">The requested type.</param>
    /// <param name="serviceKey">Null; any other key gives null.</param>
    public override object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null : serviceType.IsInstanceOfType(this) ? this : serviceType.IsInstanceOfType(_store) ? _store
            : serviceType == typeof(VectorStoreCollectionMetadata)
                ? new VectorStoreCollectionMetadata { VectorStoreSystemName = SystemName, CollectionName = Name } : null;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_ownsStore) _store.Dispose();
        base.Dispose(disposing);
    }

    private async IAsyncEnumerable<TRecord> Records(RowQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var (record, _) in await QueryAsync("get", query, cancellationToken).ConfigureAwait(false)) yield return record;
    }

    private Task<(TRecord Record, float Score)[]> QueryAsync(string operation, RowQuery query, CancellationToken cancellationToken) =>
        Run(operation, async () =>
        {
            var rows = await _store.QueryAsync(query, cancellationToken).ConfigureAwait(false);
            return rows.Select(row => ((TRecord)_shape.Record(row.Entry, row.Vector), row.Score)).ToArray();
        });

    /// <summary>Turns failures of the store's files or server into the exceptions that the abstractions prescribe.</summary>
    private async Task<T> Run<T>(string operation, Func<Task<T>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (Exception problem) when (problem is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new VectorStoreException(problem.Message, problem)
            {
                VectorStoreSystemName = SystemName, CollectionName = Name, OperationName = operation,
            };
        }
    }
}
