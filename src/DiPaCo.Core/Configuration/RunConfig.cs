using System.Globalization;

namespace DiPaCo.Core.Configuration;

/// <summary>
/// A complete run, every value filled in: what the YAML file states, and the defaults of its <see cref="Size"/> for the rest.
/// Everything that reaches a weight is in here; two runs with equal values and equal data end with equal bytes.
/// </summary>
public sealed record RunConfig
{
    /// <summary>Name of the run; also its folder under <c>runs/</c>. Letters, digits, dots, dashes and underscores.</summary>
    public required string Name { get; init; }

    /// <summary>The dial that chose the defaults.</summary>
    public required ModelSize Size { get; init; }

    /// <summary>Pseudo-random seed of everything.</summary>
    public long Seed { get; init; } = 1;

    /// <summary><c>cpu</c>, <c>cuda</c>, <c>cuda:n</c>, or <c>auto</c>. Free to change between sessions of a run.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Threads of one worker; 0 takes all cores. Free to change between sessions: the bytes do not depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>The corpus and its split.</summary>
    public required DataOptions Data { get; init; }

    /// <summary>The tokenizer.</summary>
    public required TokenizerOptions Tokenizer { get; init; }

    /// <summary>The transformer of one path.</summary>
    public required TransformerOptions Transformer { get; init; }

    /// <summary>Levels, sharing and paths.</summary>
    public required TopologyOptions Topology { get; init; }

    /// <summary>Stages, phases and steps.</summary>
    public required RecipeOptions Recipe { get; init; }

    /// <summary>How documents become shards.</summary>
    public required RoutingOptions Routing { get; init; }

    /// <summary>When and how the router learns from the paths.</summary>
    public DiscriminativeOptions Discriminative { get; init; } = new();

    /// <summary>The inner optimizer, AdamW.</summary>
    public required InnerOptimizerOptions Inner { get; init; }

    /// <summary>The outer optimizer, Nesterov momentum per module.</summary>
    public required OuterOptimizerOptions Outer { get; init; }

    /// <summary>What is measured at the end and in between.</summary>
    public required EvaluationOptions Evaluation { get; init; }

    /// <summary>Whether a text can be the name of a run, and so of a folder: letters, digits, dots, dashes and underscores, beginning with a letter or digit.</summary>
    public static bool IsName(string text) => RunSection.IsName(text);

    /// <summary>The transformer of one path.</summary>
    /// <param name="vocabulary">Entries of the vocabulary: the trained tokenizer's, or the loaded file's.</param>
    /// <exception cref="DiPaCoException">With so many entries a path is too large; a configuration cannot know that of a tokenizer's file.</exception>
    public TransformerShape ShapeFor(int vocabulary)
    {
        TransformerShape shape = UncheckedShapeFor(vocabulary);
        long elements = ModuleLayout.Of(shape, TransformerPart.All(shape.Blocks)).Length;
        return elements <= ModuleLayout.MostElements ? shape : throw new DiPaCoException(string.Create(
            CultureInfo.InvariantCulture,
            $"With the {vocabulary:N0} entries of the tokenizer a path has {elements:N0} parameters, expected at most {ModuleLayout.MostElements:N0}. Take a tokenizer with fewer entries (tokenizer.file), or a smaller transformer.width."));
    }

    /// <summary>The same, however large it is.</summary>
    internal TransformerShape UncheckedShapeFor(int vocabulary) => new()
    {
        Vocabulary = vocabulary,
        Blocks = Topology.Levels.Sum(level => level.Blocks),
        Width = Transformer.Width,
        Heads = Transformer.Heads,
        KeyValueHeads = Transformer.KeyValueHeads,
        HeadWidth = Transformer.HeadWidth,
        FeedForward = Transformer.FeedForward,
        Activation = Transformer.Activation,
        TiedEmbedding = Transformer.TiedEmbedding,
        RopeBase = Transformer.RopeBase,
        NormEpsilon = Transformer.NormEpsilon,
    };
}
