using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;

namespace DiPaCo.Core;

/// <summary>
/// The modules and paths of a model (paper §2.3). A module is whatever set of parts is used by one set of paths;
/// sharing, private blocks, DiLoCo and mixtures all come down to which name a part's module gets.
/// </summary>
public sealed class ModelTopology
{
    private readonly FrozenDictionary<PathId, ImmutableArray<ModuleDefinition>> _byPath;
    private readonly FrozenDictionary<ModuleId, ModuleDefinition> _byName;

    private ModelTopology(
        TransformerShape shape, PathGrid grid, ImmutableArray<PathId> paths,
        ImmutableArray<ModuleDefinition> modules, Dictionary<PathId, ImmutableArray<ModuleDefinition>> byPath)
    {
        Shape = shape;
        Grid = grid;
        Paths = paths;
        Modules = modules;
        _byName = modules.ToFrozenDictionary(module => module.Id);
        _byPath = byPath.ToFrozenDictionary();
    }

    /// <summary>The transformer of every path.</summary>
    public TransformerShape Shape { get; }

    /// <summary>The numbering of the full product.</summary>
    public PathGrid Grid { get; }

    /// <summary>The paths that exist, in order of their ids.</summary>
    public ImmutableArray<PathId> Paths { get; }

    /// <summary>All modules in order of their names.</summary>
    public ImmutableArray<ModuleDefinition> Modules { get; }

    /// <summary>Parameters of the whole model.</summary>
    public long Parameters => Modules.Sum(module => module.Layout.Parameters);

    /// <summary>Whether a single path uses that module.</summary>
    public bool IsPrivate(ModuleId module) => _byName[module].Paths.Length == 1;

    /// <summary>The modules of a path, in the order of the stack (by the lowest part each owns).</summary>
    public ImmutableArray<ModuleDefinition> ModulesOf(PathId path) => _byPath[path];

    /// <summary>Builds the topology. Options are validated by the configuration; impossible values throw here all the same.</summary>
    /// <exception cref="ArgumentException">The blocks of the levels do not add up to the transformer's, or a path names an expert that does not exist.</exception>
    public static ModelTopology Create(TopologyOptions options, TransformerShape shape)
    {
        int blocks = options.Levels.Sum(level => level.Blocks);
        if (blocks != shape.Blocks)
        {
            throw new ArgumentException($"The levels have {blocks} blocks, the transformer {shape.Blocks}.", nameof(options));
        }

        PathGrid grid = new(options.Levels.Select(level => level.Experts), options.Replicas);
        ImmutableArray<PathId> paths = PathsOf(options, grid);
        SortedDictionary<ModuleId, (List<TransformerPart> Parts, List<PathId> Paths)> modules = [];
        Dictionary<PathId, List<ModuleId>> stacks = [];
        foreach (PathId path in paths)
        {
            List<ModuleId> stack = [];
            foreach ((TransformerPart part, ModuleId id) in Assign(options, grid.ExpertsOf(path), path))
            {
                if (!modules.TryGetValue(id, out (List<TransformerPart> Parts, List<PathId> Paths) module))
                {
                    modules[id] = module = ([], []);
                }

                if (module.Paths.Count == 0 || module.Paths[^1] != path)
                {
                    module.Paths.Add(path);
                    stack.Add(id);
                }

                if (module.Paths.Count == 1)
                {
                    module.Parts.Add(part);
                }
            }

            stacks[path] = stack;
        }

        Dictionary<ModuleId, ModuleDefinition> definitions = modules.ToDictionary(
            entry => entry.Key,
            entry => new ModuleDefinition(entry.Key, ModuleLayout.Of(shape, entry.Value.Parts), [.. entry.Value.Paths]));
        return new ModelTopology(
            shape, grid, paths,
            [.. modules.Keys.Select(id => definitions[id])],
            stacks.ToDictionary(entry => entry.Key, entry => entry.Value.Select(id => definitions[id]).ToImmutableArray()));
    }

    /// <summary>The topology of one dense model of the same transformer: one path, one module named <c>dense</c>.</summary>
    public static ModelTopology Dense(TransformerShape shape)
    {
        PathId path = new(0);
        ModuleDefinition module = new(ModuleId.Dense, ModuleLayout.Of(shape, TransformerPart.All(shape.Blocks)), [path]);
        return new ModelTopology(shape, new PathGrid([1], 1), [path], [module], new() { [path] = [module] });
    }

    private static ImmutableArray<PathId> PathsOf(TopologyOptions options, PathGrid grid)
    {
        if (options.Paths.IsEmpty)
        {
            return [.. Enumerable.Range(0, grid.Count).Select(id => new PathId(id))];
        }

        SortedSet<PathId> paths = [];
        foreach (ImmutableArray<int> choice in options.Paths)
        {
            for (int replica = 0; replica < options.Replicas; replica++)
            {
                paths.Add(grid.IdOf(choice.AsSpan(), replica));
            }
        }

        return [.. paths];
    }

    private static IEnumerable<(TransformerPart Part, ModuleId Module)> Assign(
        TopologyOptions options, ImmutableArray<int> experts, PathId path)
    {
        int last = options.Levels.Length - 1;
        yield return (TransformerPart.Embedding, Place(options.Embedding, "embedding", LevelModule(options, 0, experts, path), path));
        int block = 0;
        for (int level = 0; level <= last; level++)
        {
            for (int inner = 0; inner < options.Levels[level].Blocks; inner++, block++)
            {
                ModuleId module = options.Levels[level].PrivateBlocks.Contains(inner)
                    ? Name($"level{level + 1}.block{inner}.path{path.Value}")
                    : LevelModule(options, level, experts, path);
                yield return (TransformerPart.OfBlock(block), module);
            }
        }

        yield return (TransformerPart.Head, Place(options.Head, "head", LevelModule(options, last, experts, path), path));
    }

    private static ModuleId LevelModule(TopologyOptions options, int level, ImmutableArray<int> experts, PathId path) =>
        options.Levels[level].Sharing switch
        {
            Sharing.Private => Name($"level{level + 1}.path{path.Value}"),
            Sharing.Shared => Name($"level{level + 1}.shared"),
            _ => Name($"level{level + 1}.expert{experts[level]}"),
        };

    private static ModuleId Place(Sharing sharing, string name, ModuleId level, PathId path) => sharing switch
    {
        Sharing.Shared => Name($"{name}"),
        Sharing.Private => Name($"{name}.path{path.Value}"),
        _ => level,
    };

    private static ModuleId Name(FormattableString name) => new(name.ToString(CultureInfo.InvariantCulture));
}
