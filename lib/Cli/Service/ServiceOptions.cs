using System.Net;
using ClipNotebooks.Core.Inference;

namespace ClipNotebooks.Cli.Service;

/// <summary>Where the service listens, to whom, and how much it takes.</summary>
internal sealed record ServiceOptions
{
    internal const int DefaultPort = 8471;

    internal IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>0 for one that is free.</summary>
    internal int Port { get; init; } = DefaultPort;

    /// <summary>What a client has to know; null where this machine alone is listened to.</summary>
    internal string? Key { get; init; }

    /// <summary>Where pictures that are added are kept; null where they are not.</summary>
    internal string? Uploads { get; init; }

    internal BatchingOptions Batching { get; init; } = new();

    /// <summary>Of one picture's file.</summary>
    internal long MaxPictureBytes { get; init; } = 32L << 20;

    /// <summary>Of one picture: 200 MB while it is decoded, on as many cores as there are.</summary>
    internal long MaxPixels { get; init; } = 50_000_000;

    /// <summary>In one request.</summary>
    internal int MaxPictures { get; init; } = 32;

    /// <summary>Of one request; pictures are read one after the other and never held together.</summary>
    internal long MaxBodyBytes { get; init; } = 256L << 20;

    /// <summary>Of all pictures' files that are read at the same time; who comes then is to try again.</summary>
    internal long MaxHeldBytes { get; init; } = 512L << 20;

    /// <summary>Of a request without pictures, and of the fields beside them.</summary>
    internal int MaxTextBytes { get; init; } = 1 << 20;

    /// <summary>Of a form, beside its pictures: an empty one takes memory too.</summary>
    internal int MaxFields { get; init; } = 2000;

    /// <summary>Captions, or labels, in one request.</summary>
    internal int MaxTexts { get; init; } = 1000;

    /// <summary>Labels times templates.</summary>
    internal int MaxCaptions { get; init; } = 10_000;

    /// <summary>Results in one answer.</summary>
    internal int MaxTop { get; init; } = 200;

    internal int MaxSkip { get; init; } = 1_000_000;

    /// <summary>Terms of a query.</summary>
    internal int MaxTerms { get; init; } = 32;
}
