namespace ClipNotebooks.Search.Storage;

/// <summary>Where the journal keeps the entries of a run of rows.</summary>
/// <param name="FirstRow">The run's first row.</param>
/// <param name="Count">The number of its rows.</param>
/// <param name="Offsets">The offset in the journal of the table of the entries' own offsets.</param>
/// <param name="Entries">The offset at which the entries begin.</param>
/// <param name="End">The offset at which they end.</param>
/// <param name="Checksum">CRC-32C of the rows' bytes.</param>
internal readonly record struct RowBatch(long FirstRow, int Count, long Offsets, long Entries, long End, uint Checksum);
