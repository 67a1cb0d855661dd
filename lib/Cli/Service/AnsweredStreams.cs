using System.Text.Json;

namespace ClipNotebooks.Cli.Service;

/// <summary>
/// JSON-RPC streams, one message to a line, whose input ends only when every request has its answer. The server by itself ends as soon as
/// its input does; this way all requests of a file or a pipe are answered.
/// </summary>
internal sealed class AnsweredStreams
{
    /// <summary>How long to wait for another answer after the last one: the server does not answer a request that is invalid.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly HashSet<string> _open = new(StringComparer.Ordinal);
    private long _heard = Environment.TickCount64;

    internal AnsweredStreams(Stream input, Stream output) =>
        (Input, Output) = (new Side(input, Came, LastAsync), new Side(output, Went, null));

    /// <summary>To read requests from.</summary>
    internal Stream Input { get; }

    /// <summary>To write answers to.</summary>
    internal Stream Output { get; }

    private void Came(JsonElement message)
    {
        if (!message.TryGetProperty("method", out var method) || method.ValueKind != JsonValueKind.String) return;
        if (message.TryGetProperty("id", out var id)) lock (_open) _open.Add(id.GetRawText());
        else if (method.ValueEquals("notifications/cancelled") && message.TryGetProperty("params", out var about)
            && about.ValueKind == JsonValueKind.Object && about.TryGetProperty("requestId", out var cancelled))
            lock (_open) _open.Remove(cancelled.GetRawText());
    }

    private void Went(JsonElement message)
    {
        Volatile.Write(ref _heard, Environment.TickCount64);
        if (!message.TryGetProperty("method", out _) && message.TryGetProperty("id", out var id))
            lock (_open) _open.Remove(id.GetRawText());
    }

    private async ValueTask LastAsync(CancellationToken token)
    {
        Volatile.Write(ref _heard, Environment.TickCount64);
        while (Environment.TickCount64 - Volatile.Read(ref _heard) < Patience.TotalMilliseconds)
        {
            lock (_open)
                if (_open.Count == 0) return;
            await Task.Delay(20, token);
        }
    }

    /// <summary>A stream that reports each message that goes through it.</summary>
    private sealed class Side(Stream inner, Action<JsonElement> show, Func<CancellationToken, ValueTask>? atEnd) : Stream
    {
        private readonly MemoryStream _line = new();

        public override bool CanRead => inner.CanRead;

        public override bool CanSeek => false;

        public override bool CanWrite => inner.CanWrite;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken);
            // A last line gets a line end here: without one it would be read only when the input ends, which waits for its answer.
            if (read == 0 && _line.Length > 0 && !buffer.IsEmpty) buffer.Span[read++] = (byte)'\n';
            See(buffer.Span[..read]);
            if (read == 0 && atEnd is not null) await atEnd(cancellationToken);
            return read;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await inner.WriteAsync(buffer, cancellationToken);
            await inner.FlushAsync(cancellationToken);
            See(buffer.Span);
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }

        private void See(ReadOnlySpan<byte> bytes)
        {
            for (int end; (end = bytes.IndexOf((byte)'\n')) >= 0; bytes = bytes[(end + 1)..])
            {
                _line.Write(bytes[..end]);
                Show();
            }
            _line.Write(bytes);
        }

        private void Show()
        {
            var line = _line.GetBuffer().AsMemory(0, (int)_line.Length);
            try
            {
                using var message = JsonDocument.Parse(line);
                if (message.RootElement.ValueKind == JsonValueKind.Object) show(message.RootElement);
            }
            catch (JsonException)
            {
                // This is not a message; the server refuses it.
            }
            _line.SetLength(0);
        }
    }
}
