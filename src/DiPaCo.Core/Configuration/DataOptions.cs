using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>Where the text comes from and how it is split.</summary>
public sealed record DataOptions
{
    /// <summary>The word that stands for the .NET SDK's API documentation.</summary>
    public const string Demo = "demo";

    /// <summary>Files, folders and globs, relative to the configuration file; or the single word <c>demo</c> for the .NET SDK's API documentation.</summary>
    public required ImmutableArray<string> Paths { get; init; }

    /// <summary>Field of the text in records. Default <c>text</c>.</summary>
    public string TextField { get; init; } = "text";

    /// <summary>Field that names the original of a record; the part before <c>#</c> decides the split. Default <c>url</c>.</summary>
    public string OriginField { get; init; } = "url";

    /// <summary>Field that names the record's source (domain), only for reports. Default <c>source</c>.</summary>
    public string SourceField { get; init; } = "source";

    /// <summary>Largest share of bad records that a run accepts, 0 to 1. Default 0.001.</summary>
    public double MaxBadShare { get; init; } = 0.001;

    /// <summary>Share of originals kept for validation (losses during training), 0 to 0.5.</summary>
    public double ValidationShare { get; init; } = 0.01;

    /// <summary>Share of originals kept for the final evaluation, above 0 to 0.5.</summary>
    public double TestShare { get; init; } = 0.02;

    /// <summary>Share of originals kept to train routers (paper §7.2.1: 0.005), 0 to 0.5.</summary>
    public double RouterShare { get; init; } = 0.005;
}
