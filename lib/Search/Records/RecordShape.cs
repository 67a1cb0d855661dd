using System.Reflection;
using ClipNotebooks.Search.Rows;
using ClipNotebooks.Search.Storage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;

namespace ClipNotebooks.Search.Records;

/// <summary>A record's properties, as their attributes say: one key, data, one vector.</summary>
internal sealed class RecordShape
{
    private readonly Type _type;
    private readonly PropertyInfo _vector;

    /// <summary>Reads a type.</summary>
    /// <param name="type">The record's.</param>
    /// <param name="width">E of the store.</param>
    /// <exception cref="NotSupportedException">A property cannot be kept; the message names it.</exception>
    /// <exception cref="ArgumentException">The key or the vector is missing, or the vector has another width.</exception>
    internal RecordShape(Type type, int width)
    {
        _type = type;
        var properties = type.GetProperties();
        Key = new RecordField(null, Single<VectorStoreKeyAttribute>(properties, "key"));
        if (Key.Property.PropertyType != typeof(string))
            throw new NotSupportedException($"The key {Key.Property.Name} of {type.Name} is a {Key.Property.PropertyType.Name}; names of " +
                "images are strings.");
        Data = [.. properties.Select(property => (Property: property, About: property.GetCustomAttribute<VectorStoreDataAttribute>()))
            .Where(pair => pair.About is not null)
            .Select(pair => new RecordField(pair.About!.StorageName ?? pair.Property.Name, pair.Property))];
        _vector = Single<VectorStoreVectorAttribute>(properties, "vector");
        var about = _vector.GetCustomAttribute<VectorStoreVectorAttribute>()!;
        if (about.Dimensions != width)
            throw new ArgumentException($"The vector {_vector.Name} of {type.Name} has {about.Dimensions} dimensions; the store's have " +
                $"{width}.");
        if (about.DistanceFunction is { } asked and not DistanceFunction.CosineSimilarity)
            throw new NotSupportedException($"The vector {_vector.Name} of {type.Name} asks for {asked}; CLIP's embeddings are compared " +
                $"by {DistanceFunction.CosineSimilarity}.");
        if (_vector.PropertyType != typeof(ReadOnlyMemory<float>) && _vector.PropertyType != typeof(float[])
            && _vector.PropertyType != typeof(Embedding<float>))
            throw new NotSupportedException($"The vector {_vector.Name} of {type.Name} is a {_vector.PropertyType.Name}; it may be a " +
                "ReadOnlyMemory<float>, a float[] or an Embedding<float>.");
    }

    internal RecordField Key { get; }

    internal IReadOnlyList<RecordField> Data { get; }

    /// <summary>A property by its name.</summary>
    /// <exception cref="NotSupportedException">It is neither the key nor data.</exception>
    internal RecordField Field(MemberInfo property) =>
        property.Name == Key.Property.Name ? Key : Data.FirstOrDefault(field => field.Property.Name == property.Name)
        ?? throw new NotSupportedException($"The property {property.Name} of {_type.Name} is neither its key nor data of it.");

    /// <exception cref="ArgumentException">The key is empty, or the vector is missing.</exception>
    internal (StoredEntry Entry, float[] Vector) Row(object record)
    {
        if (Key.Property.GetValue(record) is not string { Length: > 0 } id)
            throw new ArgumentException($"The key {Key.Property.Name} of a {_type.Name} is empty.");
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var field in Data)
            if (field.Text(field.Property.GetValue(record)) is { } text) metadata[field.Name!] = text;
        float[] vector = _vector.GetValue(record) switch
        {
            float[] values => values,
            ReadOnlyMemory<float> values => values.ToArray(),
            Embedding<float> embedding => embedding.Vector.ToArray(),
            _ => [],
        };
        if (vector.Length == 0) throw new ArgumentException($"The vector {_vector.Name} of \"{id}\" is missing.");
        return (new StoredEntry { Id = id, IsFile = false, Metadata = metadata }, vector);
    }

    /// <exception cref="InvalidDataException">A row's text cannot be read as a value of its property.</exception>
    internal object Record(StoredEntry entry, float[]? vector)
    {
        object record = Activator.CreateInstance(_type)!;
        Key.Set(record, entry);
        foreach (var field in Data) field.Set(record, entry);
        if (vector is null) return record;
        _vector.SetValue(record, _vector.PropertyType == typeof(float[]) ? vector
            : _vector.PropertyType == typeof(Embedding<float>) ? new Embedding<float>(vector) : new ReadOnlyMemory<float>(vector));
        return record;
    }

    private PropertyInfo Single<TAttribute>(PropertyInfo[] properties, string what) where TAttribute : Attribute
    {
        var found = properties.Where(property => property.GetCustomAttribute<TAttribute>() is not null).ToList();
        return found.Count == 1 ? found[0] : throw new ArgumentException(
            $"{_type.Name} has {found.Count} properties with [{typeof(TAttribute).Name[..^"Attribute".Length]}]: one {what} is needed.");
    }
}
