using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>Tests that share one server of chats.</summary>
[CollectionDefinition(nameof(ChatRunTests))]
public sealed class ChatRunTests : ICollectionFixture<ChatRun>;
