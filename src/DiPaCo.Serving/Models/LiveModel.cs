using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Routing;
using DiPaCo.Serving.Chat;
using DiPaCo.Serving.Chat.Templates;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Inference;

namespace DiPaCo.Serving.Models;

/// <summary>One version of a model, ready to serve: tokenizer and routers in memory, weights in the store as they are wanted.</summary>
internal sealed class LiveModel
{
    private readonly ModuleStore _store;
    private readonly long _mostPathBytes;
    private readonly long _baseBytes;
    private readonly long _mostTokenRouterBytes;

    private LiveModel(ServedGrid grid, ModuleStore store, TextTokenizer tokenizer, IRouter router, ChatFormat? chat)
    {
        Grid = grid;
        _store = store;
        Tokenizer = tokenizer;
        try
        {
            Chat = chat is null ? null : ChatPrompts.Of(chat, tokenizer, Vocabulary);
        }
        catch (TemplateException exception)
        {
            // Nothing but chats needs it.
            ChatProblem = exception.Message;
        }

        Router = router;
        GridDescription description = grid.Description;
        Base = new GridModule(ModelTopology.Dense(description.Shape).Modules[0], description.BaseModel);
        TransformerShape routing = description.Shape with { TiedEmbedding = false, Outputs = grid.Topology.Paths.Length };
        ModuleDefinition tokenRouter = ModelTopology.Dense(routing).Modules[0];
        TokenRouters = [.. description.TokenRouters.Select(known => new GridModule(tokenRouter, known.Blob))];
        _mostPathBytes = grid.Topology.Paths.Max(path => store.BytesOf(grid.ModulesOf(path)));
        _baseBytes = router.FeatureWidth > 0 ? store.BytesOf([Base]) : 0;
        _mostTokenRouterBytes = TokenRouters.Select(one => store.BytesOf([one])).DefaultIfEmpty().Max();
    }

    /// <summary>What is served.</summary>
    public ServedGrid Grid { get; }

    /// <summary>Its description.</summary>
    public GridDescription Description => Grid.Description;

    /// <summary>Positions that a sequence may have: as many as the paths saw in training.</summary>
    public int Context => Description.SequenceLength;

    /// <summary>Tokens that can be read and written: a checkpoint's matrices may have more rows than its tokenizer has tokens.</summary>
    public int Vocabulary => Math.Min(Description.Shape.Vocabulary, Tokenizer.VocabularySize);

    /// <summary>The tokenizer.</summary>
    public TextTokenizer Tokenizer { get; }

    /// <summary>Makes prompts of conversations; null: the tokenizer has no chat template, or one that cannot be read.</summary>
    public ChatPrompts? Chat { get; }

    /// <summary>Why the chat template cannot be read; null: it can, or there is none.</summary>
    public string? ChatProblem { get; }

    /// <summary>The router of documents.</summary>
    public IRouter Router { get; }

    /// <summary>The base model.</summary>
    public GridModule Base { get; }

    /// <summary>The token routers, in the order of the description.</summary>
    public ImmutableArray<GridModule> TokenRouters { get; }

    /// <summary>Opens a model.</summary>
    /// <exception cref="DiPaCoException">A file is missing or damaged.</exception>
    public static async Task<LiveModel> OpenAsync(ServedGrid grid, ModuleStore store, CancellationToken cancellationToken) => new(
        grid, store, await grid.LoadTokenizerAsync(cancellationToken), await grid.LoadRouterAsync(cancellationToken), await grid.LoadChatFormatAsync(cancellationToken));

    /// <summary>Makes sure that a sequence can get all weights that it needs at a time: it would wait for ever otherwise.</summary>
    /// <param name="reroutes">Whether it keeps those of the routers while paths write.</param>
    /// <exception cref="DiPaCoException">They are more than the limit.</exception>
    public void ThrowIfTooLarge(bool reroutes)
    {
        (string what, long bytes) = reroutes
            ? ("With re-routing, the weights of a path and of the routers take", _mostPathBytes + _baseBytes + _mostTokenRouterBytes)
            : ("The weights of a path or of the router take", Math.Max(_mostPathBytes, _baseBytes));
        if (bytes > _store.LimitBytes)
        {
            throw _store.TooLarge(what, bytes);
        }
    }

    /// <summary>Takes a path's modules.</summary>
    public Task<ModuleLease> AcquireAsync(PathId path, CancellationToken cancellationToken) => _store.AcquireAsync(Grid, Grid.ModulesOf(path), cancellationToken);

    /// <summary>Loads a path's modules if there is room for them without letting others go.</summary>
    public async Task<bool> TryPreloadAsync(PathId path, bool oneByOne, CancellationToken cancellationToken)
    {
        if (!_store.HasRoomFor(Grid.ModulesOf(path)))
        {
            return false;
        }

        foreach (GridModule module in oneByOne ? Grid.ModulesOf(path) : [])
        {
            using ModuleLease first = await AcquireAsync(module, cancellationToken);
        }

        using ModuleLease lease = await AcquireAsync(path, cancellationToken);
        return true;
    }

    /// <summary>Takes a module that is a whole model.</summary>
    public Task<ModuleLease> AcquireAsync(GridModule module, CancellationToken cancellationToken) => _store.AcquireAsync(Grid, [module], cancellationToken);

    /// <summary>The weights of a lease as a sequence goes through them.</summary>
    public PathWeights WeightsOf(ModuleLease lease) => PathWeights.Of(Description.Shape.Blocks, lease.Modules);

    /// <summary>The number of the token router that was trained for a window; the nearest one where none was; −1: there is none.</summary>
    public int TokenRouterFor(int window) => TokenRouters.IsEmpty ? -1 : Enumerable.Range(0, TokenRouters.Length)
        .MinBy(at => Description.TokenRouters[at].Windows.Select(known => Math.Abs((long)known - window)).DefaultIfEmpty(long.MaxValue).Min());
}
