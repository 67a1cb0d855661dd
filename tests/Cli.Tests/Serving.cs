using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Cli.Tests;

/// <summary>`clipbook serve` in this process, until it is stopped.</summary>
internal sealed partial class Serving : IAsyncDisposable
{
    private readonly TextWriter _console = Console.Out, _synchronized;
    private readonly StringWriter _output = new(), _error = new();
    private readonly CancellationTokenSource _stop;

    internal Serving(CancellationTokenSource stop, params string[] arguments)
    {
        Console.SetOut(_synchronized = TextWriter.Synchronized(_output));
        (_stop, Code) = (stop, Task.Run(() => Program.RunAsync(arguments, _error, stop.Token)));
    }

    /// <summary>Once it has ended.</summary>
    internal Task<int> Code { get; }

    /// <summary>The same once the lessons have run for the first time and the book is there.</summary>
    internal async Task<Uri> BookAddressAsync()
    {
        Uri address = await AddressAsync();
        using HttpClient client = new() { BaseAddress = address };
        for (Stopwatch clock = Stopwatch.StartNew(); ; await Task.Delay(50))
        {
            using HttpResponseMessage answer = await client.GetAsync("/");
            if (answer.StatusCode != HttpStatusCode.ServiceUnavailable)
                return address;
            Assert.False(Code.IsCompleted || clock.Elapsed > TimeSpan.FromMinutes(2), $"{_error}");
        }
    }

    /// <summary>What it says it is at, once it does.</summary>
    internal async Task<Uri> AddressAsync()
    {
        for (Stopwatch clock = Stopwatch.StartNew(); ; await Task.Delay(50))
        {
            string said;
            lock (_synchronized)
                said = _output.ToString();
            if (Said().Match(said) is { Success: true } found)
                return new Uri(found.Value);
            Assert.False(Code.IsCompleted || clock.Elapsed > TimeSpan.FromMinutes(2), said + _error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Code.WaitAsync(TimeSpan.FromSeconds(30));
        Console.SetOut(_console);
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/(?= shows)")]
    private static partial Regex Said();
}
