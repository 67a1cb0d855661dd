using ClipNotebooks.Search.Postgres;

namespace ClipNotebooks.Search.Tests.Postgres;

/// <summary>Connection strings; needs no server.</summary>
public sealed class AddressTests
{
    [Theory]
    [InlineData("Host=db.example;Database=images", true)]
    [InlineData("database=images; server = db", true)]
    [InlineData("postgresql://me@db/images", true)]
    [InlineData("postgres://db/images", true)]
    [InlineData("/data/photos-index", false)]
    [InlineData("artifacts/Host", false)]
    [InlineData(@"C:\photos\index", false)]
    public void A_connection_string_is_told_from_a_folder(string text, bool expected) =>
        Assert.Equal(expected, PgVectorImageStore.IsConnectionString(text));

    [Fact]
    public void An_address_is_read_as_libpq_reads_it()
    {
        var address = PostgresAddress.Parse(
            "postgresql://me%40home:p%3Aw%2F%25@db.example:5433/my%20images?sslmode=verify-full" +
            "&connect_timeout=7&table=photos&application_name=clip");
        Assert.Equal(("db.example", 5433, "my images", "me@home", "p:w/%", 7, Npgsql.SslMode.VerifyFull, "clip"),
            (address.Connection.Host, address.Connection.Port, address.Connection.Database,
            address.Connection.Username, address.Connection.Password, address.Connection.Timeout, address.Connection.SslMode,
                address.Connection.ApplicationName));
        Assert.Equal("the table photos of the database my images on db.example:5433", $"{address}");
        Assert.Equal(("clip_images", "db"), (PostgresAddress.Parse("Host=db;Database=images").Table,
            PostgresAddress.Parse("postgres://db/images").Connection.Host));
    }

    [Theory]
    [InlineData("Host=db;Password=geheim;Nonsense=1")]
    [InlineData("Host=db;Password=geheim;Port=many")]
    [InlineData("Host=;Password=geheim")]
    [InlineData("postgresql://me:geheim@")]
    [InlineData("Host=db;Password=geheim;Table=a\"; DROP TABLE images; --")]
    [InlineData("Host=db;Password=geheim;Table=1a")]
    [InlineData("Host=db;Password=geheim;Table=other.images")]
    [InlineData("postgresql://me:geheim@db/images?table=a%00b")]
    public void What_cannot_be_read_is_refused_without_repeating_the_password(string text)
    {
        var refused = Assert.Throws<ArgumentException>(() => PgVectorImageStore.Open(text));
        Assert.DoesNotContain("geheim", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Host=localhost;Database=images", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Username=me;Password=geheim", "127.0.0.1:1")]
    [InlineData("postgresql://me:geheim@no-such-host.invalid/images", "no-such-host.invalid:5432")]
    public void A_server_that_does_not_answer_is_named(string connection, string server)
    {
        var refused = Assert.Throws<IOException>(() => PgVectorImageStore.Open(connection));
        Assert.StartsWith($"No PostgreSQL server answers at {server}: ", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", $"{refused}", StringComparison.Ordinal);
    }

    [Fact]
    public void Options_out_of_range_are_named()
    {
        Assert.Equal("EfSearch", Assert.Throws<ArgumentOutOfRangeException>(
            () => PgVectorImageStore.Open("Host=db", graph: new PgVectorOptions { EfSearch = 1001 })).ParamName);
        Assert.Equal("EfConstruction", Assert.Throws<ArgumentOutOfRangeException>(
            () => PgVectorImageStore.Open("Host=db", graph: new PgVectorOptions { M = 40 })).ParamName);
    }
}
