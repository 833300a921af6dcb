using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Routing;
using DiPaCo.RunHost;
using DiPaCo.Runtime;
using DiPaCo.Serving.Grids;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>A small run that has trained a token router, behind its API, and every path's forward pass of training beside it.</summary>
public sealed class ReroutedRun : IAsyncLifetime
{
    private readonly string _root = SmallRun.CreateFolder();
    private readonly List<PathModel> _paths = [];
    private PathModel _base = null!;
    private PathModel _tokenRouter = null!;
    private IRouter _router = null!;

    public string Folder => Path.Combine(_root, "run");

    public ServedRun Served { get; private set; } = null!;

    public ServedGrid Grid { get; private set; } = null!;

    public TextTokenizer Tokenizer { get; private set; } = null!;

    /// <summary>Texts that fit into one sequence, in a file as <c>eval</c> reads it.</summary>
    public string TextFile => Path.Combine(_root, "texts.jsonl");

    public ImmutableArray<string> Texts { get; private set; }

    public async ValueTask InitializeAsync()
    {
        string input = Path.Combine(_root, "input");
        SmallRun.Prepare(input);
        string file = Path.Combine(input, "small.yaml");
        File.WriteAllText(file, File.ReadAllText(file)
            .Replace("test_share: 0.1", "test_share: 0.1\n  router_share: 0.1", StringComparison.Ordinal)
            .Replace(", private_blocks: [0]", "", StringComparison.Ordinal)
            .Replace("sequence_length: 48", "sequence_length: 96", StringComparison.Ordinal)
            .Replace("sample_tokens: 3", "sample_tokens: 0\n  reroute_windows: [16, 32]\n  reroute_router: all\n  token_router_steps: 4", StringComparison.Ordinal));
        LoadedConfig config = RunConfigLoader.Load(file);
        await new RunEngine(TimeProvider.System) { MeasuresMachine = false }.TrainAsync(config, Folder, new SilentObserver(), CancellationToken.None);
        Grid = ServedGrid.Open(Folder);
        Tokenizer = await Grid.LoadTokenizerAsync(CancellationToken.None);
        _router = await Grid.LoadRouterAsync(CancellationToken.None);
        TransformerShape shape = Grid.Description.Shape;
        foreach (PathId path in Grid.Topology.Paths)
        {
            _paths.Add(await ModelAsync(shape, [.. Grid.ModulesOf(path)]));
        }

        ModelTopology dense = ModelTopology.Dense(shape);
        _base = await ModelAsync(shape, [new GridModule(dense.Modules[0], Grid.Description.BaseModel)]);
        TransformerShape routing = shape with { TiedEmbedding = false, Outputs = Grid.Topology.Paths.Length };
        _tokenRouter = await ModelAsync(routing, [new GridModule(ModelTopology.Dense(routing).Modules[0], Grid.Description.TokenRouters[0].Blob)]);
        Texts = [.. SmallCorpus.Lines(200, seed: 9).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("text").GetString()!)
            .Where(text => TokensOf(text).Length is > 20 and < 96).Take(24)];
        File.WriteAllLines(TextFile, Texts.Select((text, at) => JsonSerializer.Serialize(new { text, url = $"held-out/{at}" })));
        Served = await ServedRun.OfFolderAsync(Folder);
    }

    /// <summary>A document's tokens as training sees them.</summary>
    public int[] TokensOf(string text) => [Tokenizer.EndOfText, .. Tokenizer.Encode(text), Tokenizer.EndOfText];

    /// <summary>Logits behind some tokens under a path, by a whole pass.</summary>
    public float[] Logits(PathId path, ReadOnlySpan<int> tokens) =>
        _paths[Grid.Topology.Paths.IndexOf(path)].NextTokenLogits(tokens, tokens.Length, [tokens.Length]);

    /// <summary>The path of the document router.</summary>
    public PathId ByPrefix(ReadOnlySpan<int> tokens)
    {
        float[] features = FeaturesOf(tokens);
        return _router.Route(new RouterInput(FeatureMatrix.Of(features, features.Length)))[0];
    }

    /// <summary>What the document router looks at.</summary>
    public float[] FeaturesOf(ReadOnlySpan<int> tokens) => _base.FeaturesOf(tokens, tokens.Length, [tokens.Length]);

    /// <summary>The document router's scores of all paths.</summary>
    public float[] ScoresOf(ReadOnlySpan<int> tokens)
    {
        float[] features = FeaturesOf(tokens);
        return [.. _router.ScoresOf(new RouterInput(FeatureMatrix.Of(features, features.Length)), 0)];
    }

    /// <summary>The path that the token router predicts at the last token.</summary>
    public PathId ByToken(ReadOnlySpan<int> tokens)
    {
        int[] best = new int[tokens.Length];
        _tokenRouter.BestOutputs(tokens, tokens.Length, best);
        return Grid.Topology.Paths[best[^1]];
    }

    public async ValueTask DisposeAsync()
    {
        await Served.DisposeAsync();
        _paths.ForEach(path => path.Dispose());
        _base.Dispose();
        _tokenRouter.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    private async Task<PathModel> ModelAsync(TransformerShape shape, ImmutableArray<GridModule> modules)
    {
        PathModel model = new(shape, [.. modules.Select(module => module.Definition)], new ComputeOptions { Type = ComputeType.Fp32 });
        foreach (GridModule module in modules)
        {
            model.Parameters.Load(module.Definition.Id, await Grid.GetFileAsync(module.Blob, CancellationToken.None));
        }

        return model;
    }
}
