using Xunit;

namespace DiPaCo.Cli.Tests.Serving;

/// <summary>Tests that share one trained run.</summary>
[CollectionDefinition(nameof(TrainedProjectTests))]
public sealed class TrainedProjectTests : ICollectionFixture<TrainedProject>;
