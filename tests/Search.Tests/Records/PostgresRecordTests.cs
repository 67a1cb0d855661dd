using ClipNotebooks.Search.Postgres;

namespace ClipNotebooks.Search.Tests.Records;

/// <summary>Records in PostgreSQL.</summary>
public sealed class PostgresRecordTests : RecordTests
{
    private readonly TestDatabase _database = new();

    public override void Dispose() => _database.Dispose();

    private protected override ImageStore Empty(int width) =>
        PgVectorImageStore.Connect(_database.Connection, width, "no model", "no model");

    private protected override bool IsThere() =>
        _database.Lines("SELECT tablename FROM pg_tables WHERE tablename LIKE 'clip\\_%'").Count > 0;
}
