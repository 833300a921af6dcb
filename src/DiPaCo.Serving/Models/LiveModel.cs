using System.Collections.Frozen;
using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Routing;
using DiPaCo.Serving.Chat;
using DiPaCo.Serving.Chat.Templates;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Scheduling;
using DiPaCo.Serving.Text;

namespace DiPaCo.Serving.Models;

/// <summary>One version of a model, ready to serve: tokenizer and routers in memory, weights in the store as they are wanted.</summary>
internal sealed class LiveModel
{
    private readonly ModuleStore _store;

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
        Names = new TokenNames(tokenizer);
        LongestToken = tokenizer.ByteCounts().Concat(tokenizer.SpecialTokens.Select(token => TextTokenizer.CountBytes(token.Content))).Max();
        GridDescription description = grid.Description;
        Base = new GridModule(ModelTopology.Dense(description.Shape).Modules[0], description.BaseModel);
        TransformerShape routing = description.Shape with { TiedEmbedding = false, Outputs = grid.Topology.Paths.Length };
        ModuleDefinition tokenRouter = ModelTopology.Dense(routing).Modules[0];
        TokenRouters = [.. description.TokenRouters.Select(known => new GridModule(tokenRouter, known.Blob))];
        Blobs = description.NamedBlobs().Keys.ToFrozenSet();
    }

    /// <summary>What is served.</summary>
    public ServedGrid Grid { get; }

    /// <summary>Its description.</summary>
    public GridDescription Description => Grid.Description;

    /// <summary>Positions that a sequence may have: as many as the paths saw in training.</summary>
    public int Context => Description.SequenceLength;

    /// <summary>Tokens that can be read and written: a checkpoint's matrices may have more rows than its tokenizer has tokens.</summary>
    public int Vocabulary => Math.Min(Description.Shape.Vocabulary, Tokenizer.VocabularySize);

    /// <summary>Most bytes of a text that become one token.</summary>
    public int LongestToken { get; }

    /// <summary>What answers call tokens.</summary>
    public TokenNames Names { get; }

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

    /// <summary>All that the version is made of.</summary>
    public FrozenSet<BlobHash> Blobs { get; }

    /// <summary>Opens a model.</summary>
    /// <exception cref="DiPaCoException">A file is missing or damaged.</exception>
    public static async Task<LiveModel> OpenAsync(ServedGrid grid, ModuleStore store, CancellationToken cancellationToken) => new(
        grid, store, await grid.LoadTokenizerAsync(cancellationToken), await grid.LoadRouterAsync(cancellationToken), await grid.LoadChatFormatAsync(cancellationToken));

    /// <summary>Makes sure that sequences can get the weights that they need: they have one path's, or one router's, at a time.</summary>
    /// <param name="reroute">How they choose paths anew; null: not at all.</param>
    /// <exception cref="DiPaCoException">They are more than the limit, or (<see cref="UnsuitedModelException"/>) there is no such router.</exception>
    public void ThrowIfImpossible(RerouteOptions? reroute)
    {
        long bytes = Math.Max(
            Grid.Topology.Paths.Max(path => _store.BytesOf(Grid.ModulesOf(path))),
            Router.FeatureWidth > 0 ? _store.BytesOf([Base]) : 0);
        if (reroute?.Router == ReroutingRouter.Token)
        {
            GridModule router = TokenRouterFor(reroute.Window) ?? throw new UnsuitedModelException(
                "This model has no token router: its run did not train one, or has not come to its evaluation. The document router re-routes without one ('prefix').");
            bytes = Math.Max(bytes, _store.BytesOf([router]));
        }

        if (bytes > _store.LimitBytes)
        {
            throw _store.TooLarge("The weights of a path or of a router take", bytes);
        }
    }

    /// <summary>Takes modules of this version, waiting for room.</summary>
    public Task<ModuleLease> AcquireAsync(ImmutableArray<GridModule> modules, CancellationToken cancellationToken) => _store.AcquireAsync(Grid, modules, cancellationToken);

    /// <summary>Takes modules of this version; null: that would mean to wait for room.</summary>
    public Task<ModuleLease>? TryAcquireAsync(ImmutableArray<GridModule> modules) => _store.TryAcquireAsync(Grid, modules);

    /// <summary>Loads modules, all or none, if there is room for them without letting others of this version go.</summary>
    /// <param name="modules">The modules.</param>
    /// <param name="hurry">Until it is cancelled, one module after the other is read, and only while nobody else wants the processor.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<bool> TryPreloadAsync(ImmutableArray<GridModule> modules, CancellationToken hurry, CancellationToken cancellationToken)
    {
        foreach (ImmutableArray<GridModule> part in hurry.IsCancellationRequested ? [modules] : modules.Select(module => ImmutableArray.Create(module)))
        {
            if (_store.TryAcquireAsync(Grid, part, Blobs, idly: !hurry.IsCancellationRequested) is not { } loading)
            {
                return false;
            }

            await using CancellationTokenRegistration hurried = hurry.UnsafeRegister(static store => ((ModuleStore)store!).Hurry(), _store);
            try
            {
                using ModuleLease lease = await loading.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                ModuleLease.GiveBack(loading);
                throw;
            }
        }

        return true;
    }

    /// <summary>
    /// The first block whose cached keys and values one path cannot take over from another: 0 where the embeddings differ, the number of blocks where
    /// only the head does.
    /// </summary>
    public int FirstDifference(PathId from, PathId to)
    {
        HashSet<BlobHash> known = [.. Grid.ModulesOf(from).Select(module => module.Blob)];
        return Grid.ModulesOf(to).Where(module => !known.Contains(module.Blob)).SelectMany(module => module.Definition.Layout.Parts)
            .Select(part => part.Kind switch
            {
                TransformerPartKind.Embedding => 0,
                TransformerPartKind.Block => part.Block,
                _ => Description.Shape.Blocks,
            })
            .DefaultIfEmpty(Description.Shape.Blocks).Min();
    }

    /// <summary>The weights of a lease as a sequence goes through them.</summary>
    public PathWeights WeightsOf(ModuleLease lease) => PathWeights.Of(Description.Shape.Blocks, lease.Modules);

    /// <summary>The token router that was trained for a window; the nearest one where none was; null: there is none.</summary>
    public GridModule? TokenRouterFor(int window) => TokenRouters.IsEmpty ? null : TokenRouters[Enumerable.Range(0, TokenRouters.Length)
        .MinBy(at => Description.TokenRouters[at].Windows.Select(known => Math.Abs((long)known - window)).DefaultIfEmpty(long.MaxValue).Min())];
}
