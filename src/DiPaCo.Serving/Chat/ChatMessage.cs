namespace DiPaCo.Serving.Chat;

/// <summary>What somebody said.</summary>
/// <param name="Role">Who: one of the roles that the API knows, never a client's own word, since templates make tokens of it.</param>
/// <param name="Content">What.</param>
/// <param name="Name">The name that the client gave to who said it; null: none.</param>
internal sealed record ChatMessage(string Role, string Content, string? Name);
