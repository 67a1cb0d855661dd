namespace ClipNotebooks.Search.Storage;

/// <summary>Where the journal keeps the entries of a run of rows.</summary>
/// <param name="FirstRow">The run's first row.</param>
/// <param name="Count">Its rows.</param>
/// <param name="Offsets">Where the journal has the table of the entries' offsets.</param>
/// <param name="Entries">Where the entries themselves begin.</param>
/// <param name="End">Where they end.</param>
/// <param name="Checksum">CRC-32C of the rows' bytes.</param>
internal readonly record struct RowBatch(long FirstRow, int Count, long Offsets, long Entries, long End, uint Checksum);
