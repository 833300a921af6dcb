using System.Runtime.CompilerServices;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Scheduling;

namespace DiPaCo.Serving.Generation;

/// <summary>Writes one text with a model in a folder, in this process.</summary>
public static class TextGenerator
{
    /// <summary>Writes.</summary>
    /// <param name="folder">A run's folder, or an exported one.</param>
    /// <param name="prompt">What to go on from; may be empty.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Ends the text.</param>
    /// <exception cref="DiPaCoException">The folder has no model, there is no such path or token router, a path is given beside re-routing, or the prompt is too long.</exception>
    public static async IAsyncEnumerable<GeneratedPiece> WriteAsync(
        string folder, string prompt, GenerateOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using ServedEngine served = await ServedEngine.OpenAsync(
            folder, options.Weights, long.MaxValue, new EngineOptions { Threads = options.Threads, MaxSequences = 1, CacheBytes = null }, cancellationToken);
        LiveModel model = served.Source.Current;
        List<int> tokens = [model.Tokenizer.EndOfText];
        model.Tokenizer.Encode(prompt, tokens);
        int room = model.Context - tokens.Count;
        ThrowIfImpossible(model, options, tokens.Count);
        using GenerationHandle handle = served.Engine.TrySubmit(new GenerationRequest
        {
            Model = model,
            Prompt = [.. tokens],
            Hidden = 1,
            Path = options.Path,
            MaxTokens = Math.Min(options.MaxTokens ?? room, room),
            Sampling = options.Sampling,
            Stop = options.Stop,
            Reroute = options.Reroute,
            Origin = DocumentOrigin.Hash(DocumentOrigin.OfText(prompt)),
        })!;
        int written = 0;
        await foreach (GenerationEvent happened in handle.ReadAsync(cancellationToken))
        {
            written += happened is GenerationEvent.Token ? 1 : 0;
            foreach (GeneratedPiece piece in PiecesOf(happened, model, tokens.Count, written))
            {
                yield return piece;
            }
        }
    }

    private static IEnumerable<GeneratedPiece> PiecesOf(GenerationEvent happened, LiveModel model, int prompt, int written)
    {
        switch (happened)
        {
            case GenerationEvent.Routed routed:
                yield return new GeneratedPiece.Routed(routed.Path, model.Grid.Topology.Grid.ExpertsOf(routed.Path), routed.Scores);
                break;
            case GenerationEvent.Rerouted rerouted:
                yield return new GeneratedPiece.Rerouted(rerouted.Position, rerouted.From, rerouted.To);
                break;
            case GenerationEvent.Token { Text.Length: > 0 } token:
                yield return new GeneratedPiece.Text(token.Text);
                break;
            case GenerationEvent.Finished finished:
                if (finished.Text.Length > 0)
                {
                    yield return new GeneratedPiece.Text(finished.Text);
                }

                yield return new GeneratedPiece.Finished(finished.Reason == FinishReason.Stop ? "stop" : "length", prompt, written);
                break;
            default:
                break;
        }
    }

    private static void ThrowIfImpossible(LiveModel model, GenerateOptions options, int tokens)
    {
        if (tokens >= model.Context)
        {
            throw new DiPaCoException($"The prompt has {tokens} tokens; this model's context is {model.Context}, and at least one token is to be written.");
        }

        if (options.Path is { } path && !model.Grid.Topology.Paths.Contains(path))
        {
            throw new DiPaCoException($"There is no path {path.Value}; the model has {model.Grid.Topology.Paths.Length} paths, from {model.Grid.Topology.Paths[0].Value} to {model.Grid.Topology.Paths[^1].Value}.");
        }

        if (options is { Path: not null, Reroute: not null })
        {
            throw new DiPaCoException("A path was given and re-routing as well (--path, --reroute); leave one of them out.");
        }

        model.ThrowIfImpossible(options.Reroute);
    }
}
