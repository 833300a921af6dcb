using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>Tests that share one server.</summary>
[CollectionDefinition(nameof(ServedRunTests))]
public sealed class ServedRunTests : ICollectionFixture<ServedRun>;
