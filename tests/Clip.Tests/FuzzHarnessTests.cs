using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests;

/// <summary>The tests on damaged files see what they are there to see.</summary>
public sealed class FuzzHarnessTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();
    private readonly CancellationTokenSource _stop = new();

    public void Dispose()
    {
        _stop.Cancel();
        File.Delete(_path);
    }

    [Fact]
    public void A_reader_that_hangs_is_seen() =>
        Assert.Contains("File 0 keeps its reader busy", Failure(() => _stop.Token.WaitHandle.WaitOne(), TimeSpan.FromMilliseconds(50)),
        StringComparison.Ordinal);

    [Fact]
    public void A_reader_that_allocates_by_a_false_number_is_seen() =>
        Assert.Contains("allocate", Failure(() => GC.KeepAlive(new byte[60_000_000])), StringComparison.Ordinal);

    [Fact]
    public void A_tensor_by_a_false_number_is_seen()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells how much was mapped.");
        // Nothing of it is touched; a machine with little memory refuses it.
        Assert.Matches("bytes of memory|ended in", Failure(() => empty(1L << 34, dtype: uint8).Dispose()));
    }

    [Fact]
    public void Another_exception_than_the_documented_ones_is_seen() =>
        Assert.Contains("File 0 ended in InvalidCastException", Failure(() => throw new InvalidCastException()), StringComparison.Ordinal);

    [Fact]
    public void A_documented_refusal_passes() =>
        Fuzz.Run(3, 3, _path, _ => [1], () => throw new InvalidDataException("no"), exception => exception is InvalidDataException);

    private string Failure(Action read, TimeSpan? limit = null) =>
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Fuzz.Run(2, 2, _path, _ => [1], read, _ => false, limit)).Message;
}
