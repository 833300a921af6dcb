using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary><c>POST /v1/chat/completions</c>: a conversation becomes a prompt by the tokenizer's chat template; the rest is a completion.</summary>
internal static class ChatEndpoint
{
    /// <summary>Answers a request.</summary>
    public static async Task HandleAsync(HttpContext context, ServingState state)
    {
        using RequestTime time = new(context, state);
        RequestBody body = await RequestBody.ReadAsync(context.Request, ChatRequest.Fields, state.Limits.MaxBodyBytes, time.Token);
        await CompletionEndpoint.AnswerAsync(context, state, ChatRequest.Of(body, state.Names, state.Limits, state.Time), time);
    }
}
