using DiPaCo.Core;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Scheduling;

namespace DiPaCo.Serving.Http;

/// <summary>What the endpoints work with.</summary>
/// <param name="source">The model.</param>
/// <param name="engine">The engine.</param>
/// <param name="store">The weights.</param>
/// <param name="limits">Limits of requests.</param>
/// <param name="time">The clock.</param>
internal sealed class ServingState(ModelSource source, GenerationEngine engine, ModuleStore store, ServingLimits limits, TimeProvider time)
{
    /// <summary>The model.</summary>
    public ModelSource Source => source;

    /// <summary>The engine.</summary>
    public GenerationEngine Engine => engine;

    /// <summary>The weights.</summary>
    public ModuleStore Store => store;

    /// <summary>Limits of requests.</summary>
    public ServingLimits Limits => limits;

    /// <summary>The clock.</summary>
    public TimeProvider Time => time;

    /// <summary>Names of models.</summary>
    public ModelNames Names { get; } = new(source);

    /// <summary>Seconds since 1970.</summary>
    public long Now => time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>Queues a sequence.</summary>
    /// <exception cref="ApiException">Too many wait.</exception>
    public GenerationHandle Submit(GenerationRequest request)
    {
        try
        {
            return engine.TrySubmit(request)
                ?? throw new ApiException(429, "The server has as many requests as it can take. Try again in a second.", code: "rate_limit_exceeded");
        }
        catch (DiPaCoException exception)
        {
            throw new ApiException(400, exception.Message, code: "context_length_exceeded");
        }
    }

    /// <summary>Only routes a text.</summary>
    public async Task<GenerationEvent.Routed> RouteAsync(LiveModel model, PromptText prompt, CancellationToken cancellationToken)
    {
        using GenerationHandle handle = Submit(new GenerationRequest { Model = model, Prompt = prompt.Tokens, Origin = prompt.Origin, RouteOnly = true });
        GenerationEvent.Routed? routed = null;
        await foreach (GenerationEvent happened in handle.ReadAsync(cancellationToken))
        {
            routed = happened as GenerationEvent.Routed ?? routed;
        }

        return routed!;
    }
}
