using System.Net;
using ClipNotebooks.Core.Inference;

namespace ClipNotebooks.Cli.Service;

/// <summary>Where the service listens, whom it answers, and its limits.</summary>
internal sealed record ServiceOptions
{
    internal const int DefaultPort = 8471;

    internal IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port; 0 for one that is free.</summary>
    internal int Port { get; init; } = DefaultPort;

    /// <summary>The key that clients must send; null if only this machine is served.</summary>
    internal string? Key { get; init; }

    /// <summary>The folder for pictures that clients add; null if they are not kept.</summary>
    internal string? Uploads { get; init; }

    internal BatchingOptions Batching { get; init; } = new();

    /// <summary>The most bytes of one picture's file.</summary>
    internal long MaxPictureBytes { get; init; } = 32L << 20;

    /// <summary>
    /// The most pixels of one picture: these take 200 MB while they are decoded, and every core may decode at the same time.
    /// </summary>
    internal long MaxPixels { get; init; } = 50_000_000;

    /// <summary>The most pictures in one request.</summary>
    internal int MaxPictures { get; init; } = 32;

    /// <summary>The most bytes of one request; its pictures are read one after the other and never held together.</summary>
    internal long MaxBodyBytes { get; init; } = 256L << 20;

    /// <summary>The most bytes of all pictures' files that are read at the same time; requests beyond that are told to try again.</summary>
    internal long MaxHeldBytes { get; init; } = 512L << 20;

    /// <summary>The most bytes of a request without pictures, and of the fields beside pictures.</summary>
    internal int MaxTextBytes { get; init; } = 1 << 20;

    /// <summary>The most fields of a form, besides its pictures: even an empty field takes memory.</summary>
    internal int MaxFields { get; init; } = 2000;

    /// <summary>The most captions, or labels, in one request.</summary>
    internal int MaxTexts { get; init; } = 1000;

    /// <summary>The most captions of one classification: labels times templates.</summary>
    internal int MaxCaptions { get; init; } = 10_000;

    /// <summary>The most results in one answer.</summary>
    internal int MaxTop { get; init; } = 200;

    internal int MaxSkip { get; init; } = 1_000_000;

    /// <summary>The most terms of a query.</summary>
    internal int MaxTerms { get; init; } = 32;
}
