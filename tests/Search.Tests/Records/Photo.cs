using Microsoft.Extensions.VectorData;

namespace ClipNotebooks.Search.Tests.Records;

/// <summary>A user's record: a key, data of every kind, a vector, and a property that is none of them.</summary>
public sealed class Photo
{
    [VectorStoreKey]
    public string Id { get; set; } = "";

    [VectorStoreData]
    public string? Place { get; set; }

    [VectorStoreData(StorageName = "it's \"the\" year")]
    public int Year { get; set; }

    [VectorStoreData]
    public int? Stars { get; set; }

    [VectorStoreData]
    public double Exposure { get; set; }

    [VectorStoreData]
    public decimal? Price { get; set; }

    [VectorStoreData]
    public float Aperture { get; set; }

    [VectorStoreData]
    public bool Shared { get; set; }

    [VectorStoreData]
    public bool? Flag { get; set; }

    [VectorStoreData]
    public DateTimeOffset? Taken { get; set; }

    [VectorStoreData]
    public DateOnly Added { get; set; }

    [VectorStoreData]
    public Guid Camera { get; set; }

    [VectorStoreData]
    public List<string> Tags { get; set; } = [];

    [VectorStoreVector(4, DistanceFunction = DistanceFunction.CosineSimilarity)]
    public ReadOnlyMemory<float> Vector { get; set; }

    public string Note { get; set; } = "";
}
