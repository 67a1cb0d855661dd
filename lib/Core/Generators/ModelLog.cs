using Microsoft.Extensions.Logging;

namespace ClipNotebooks.Core.Generators;

/// <summary>Log messages about an application's model, under the category <c>ClipNotebooks</c>.</summary>
internal static partial class ModelLog
{
    internal const string Category = "ClipNotebooks";

    [LoggerMessage(1, LogLevel.Information, "The model {Model} is being opened.")]
    internal static partial void Opening(ILogger logger, string model);

    [LoggerMessage(2, LogLevel.Information, "The model {Model} is open after {Seconds:F2} s: embeddings of {Width} numbers.")]
    internal static partial void Opened(ILogger logger, string model, double seconds, int width);

    [LoggerMessage(3, LogLevel.Error, "The model {Model} cannot be opened; the next use tries it again.")]
    internal static partial void Failed(ILogger logger, string model, Exception exception);
}
