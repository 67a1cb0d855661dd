using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Search.Postgres;

namespace ClipNotebooks.Search.Tests.Postgres;

/// <summary>A store in PostgreSQL knows the model that made it by its files; where these are others, by its weights.</summary>
public sealed class PgVectorStampTests : IDisposable
{
    private const string DropColumn = "ALTER TABLE clip_images_about DROP COLUMN source_stamp",
        Empty = "UPDATE clip_images_about SET source_stamp = NULL";

    private readonly TestDatabase _database = new();

    public void Dispose() => _database.Dispose();

    [Fact]
    public void The_weights_of_the_model_that_made_a_store_are_not_read_again()
    {
        Make();
        Assert.Equal(0, Reads("files", OpenOrCreate));
        Assert.Equal(0, Reads("files", Open));
    }

    [Fact]
    public void Other_files_are_compared_by_their_weights()
    {
        Make();
        foreach (var open in new[] { Open, OpenOrCreate })
        {
            foreach (string? stamp in new[] { "others", null })
            {
                Assert.Equal(1, Reads(stamp, open));
                Refused(stamp, open);
            }
        }
        Assert.Equal("files", Stored());
    }

    /// <summary>A store of an earlier version has no column for a stamp; one that was merged has a column without one.</summary>
    [Theory]
    [InlineData(DropColumn)]
    [InlineData(Empty)]
    public void A_store_without_a_stamp_is_opened_by_its_fingerprint_and_learns_one(string without)
    {
        foreach (var open in new[] { Open, OpenOrCreate })
        {
            Make();
            _database.Execute(without);
            Refused("files", open);
            Assert.Equal(1, Reads(null, open));
            Assert.Equal("", Stored());
            Assert.Equal(1, Reads("files", open));
            Assert.Equal("files", Stored());
            Assert.Equal(0, Reads("files", open));
            _database.Execute("DROP TABLE clip_images, clip_images_about");
        }
    }

    [Theory]
    [InlineData(DropColumn)]
    [InlineData(Empty)]
    public void A_login_that_may_only_read_opens_a_store_that_it_cannot_teach(string without)
    {
        Make();
        _database.Execute(without);
        string role = $"clip_{Guid.NewGuid():N}";
        _database.Execute($"CREATE ROLE {role} LOGIN PASSWORD 'p'; GRANT SELECT ON clip_images, clip_images_about TO {role}");
        try
        {
            string connection = _database.With(own => (own.Username, own.Password, own.Pooling) = (role, "p", false));
            foreach (var open in new[] { Open, OpenOrCreate }) Assert.Equal(1, Reads("files", open, connection));
            Assert.Equal("", Stored());
        }
        finally
        {
            _database.Execute($"DROP OWNED BY {role}; DROP ROLE {role}");
        }
    }

    private static PgVectorImageStore Open(string connection, IClipEncoder clip) => PgVectorImageStore.Open(connection, clip);

    private static PgVectorImageStore OpenOrCreate(string connection, IClipEncoder clip) =>
        PgVectorImageStore.OpenOrCreate(connection, clip);

    private void Make()
    {
        using var clip = new StampedClip("files", Sandbox.RandomClip());
        using var store = OpenOrCreate(_database.Connection, clip);
        store.Add("a", Sandbox.Image(1));
        Assert.Equal(1, clip.Reads);
    }

    /// <summary>How often the weights are read when a store is opened and searched with the model that made it.</summary>
    private int Reads(string? stamp, Func<string, IClipEncoder, PgVectorImageStore> open, string? connection = null)
    {
        using var clip = new StampedClip(stamp, Sandbox.RandomClip());
        using var store = open(connection ?? _database.Connection, clip);
        Assert.Equal("a", Assert.Single(store.Search("a cat")).Id);
        return clip.Reads;
    }

    private void Refused(string? stamp, Func<string, IClipEncoder, PgVectorImageStore> open)
    {
        string before = Stored();
        using var other = new StampedClip(stamp, Sandbox.RandomClip(2));
        Assert.Contains("was built by another model",
            Assert.Throws<InvalidDataException>(() => open(_database.Connection, other)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Stored());
    }

    private string Stored() => _database.Lines("SELECT to_jsonb(about) ->> 'source_stamp' FROM clip_images_about AS about").Single();

    /// <summary>A model with any stamp, which counts how often its weights are read.</summary>
    private sealed class StampedClip(string? stamp, IClipEncoder clip) : IClipEncoder
    {
        internal int Reads { get; private set; }

        public string? SourceStamp => stamp;

        public ClipProcessor Processor => clip.Processor;

        public string? Source => clip.Source;

        public int Width => clip.Width;

        public double Scale => clip.Scale;

        public double Bias => clip.Bias;

        public bool IsSigmoid => clip.IsSigmoid;

        public string Fingerprint()
        {
            Reads++;
            return clip.Fingerprint();
        }

        public float[][] EmbedImages(IReadOnlyList<RasterImage> images, IReadOnlyList<string>? names = null) =>
            clip.EmbedImages(images, names);

        public float[][] EmbedPixels(IReadOnlyList<float[]> pixels, IReadOnlyList<string>? names = null) =>
            clip.EmbedPixels(pixels, names);

        public float[][] EmbedTexts(IReadOnlyList<string> texts) => clip.EmbedTexts(texts);

        public void Dispose() => clip.Dispose();
    }
}
