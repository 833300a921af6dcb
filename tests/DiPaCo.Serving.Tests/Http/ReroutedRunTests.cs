using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>Tests that share one run with token routers, and its server.</summary>
[CollectionDefinition(nameof(ReroutedRunTests))]
public sealed class ReroutedRunTests : ICollectionFixture<ReroutedRun>;
