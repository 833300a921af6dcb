using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>A small run: a grid of 2×2 paths, some of them without a turn in some phases, perhaps with a module that is one path's own and makes no outer step.</summary>
/// <param name="Phases">Phases in all.</param>
/// <param name="Cut">The phase at which the second segment begins; 0: there is one segment.</param>
/// <param name="Sampled">Whether only half of the paths have a turn in a phase.</param>
/// <param name="HasPrivate">Whether path 3 has a module of its own.</param>
/// <param name="FoldPaths">Contributions that are folded together; then all paths have a module in common, so that several folds follow each other. 0: none are.</param>
internal sealed record Setting(int Phases, int Cut, bool Sampled, bool HasPrivate, int FoldPaths)
{
    public const int Steps = 10;

    public static readonly RunId Run = new("run");

    public static ImmutableArray<PathId> Paths { get; } = [new(0), new(1), new(2), new(3)];

    public ImmutableArray<ModuleId> Modules { get; } =
        [new("level1.expert0"), new("level1.expert1"), new("level2.expert0"), new("level2.expert1"), .. HasPrivate ? [Private] : ImmutableArray<ModuleId>.Empty, .. FoldPaths > 0 ? [Shared] : ImmutableArray<ModuleId>.Empty];

    public static ModuleId Private { get; } = new("head.path3");

    public static ModuleId Shared { get; } = new("embedding");

    public ImmutableArray<Segment> Segments { get; } = Cut == 0
        ? [new Segment(new Phase(0), new Phase(Phases))]
        : [new Segment(new Phase(0), new Phase(Cut)), new Segment(new Phase(Cut), new Phase(Phases))];

    public ImmutableArray<ModuleId> ModulesOf(PathId path) =>
    [
        Modules[path.Value / 2], Modules[2 + (path.Value % 2)], .. HasPrivate && path.Value == 3 ? [Private] : ImmutableArray<ModuleId>.Empty,
        .. FoldPaths > 0 ? [Shared] : ImmutableArray<ModuleId>.Empty,
    ];

    public ImmutableArray<PathId> PathsOf(ModuleId module) => [.. Paths.Where(path => ModulesOf(path).Contains(module))];

    /// <summary>In a sampled run paths 0 and 1 meet, then 2 and 3: level1 rests in turn, level2 never.</summary>
    public bool HasTurn(PathId path, Phase phase) => !Sampled || path.Value / 2 == phase.Value % 2;

    public static BlobHash Fork(ModuleId module) => Arithmetic.Hash(module.Name);

    public PathOrder OrderOf(PathId path, Segment segment, PathPosition? position) => new(
        0, segment,
        [.. Enumerable.Range(segment.First.Value, segment.End.Value - segment.First.Value).Select(phase => new PathTurn(new Phase(phase), Steps)).Where(turn => HasTurn(path, turn.Phase))],
        ModulesOf(path), position?.Optimizer, position?.StepsMade ?? 0, 1 + path.Value);

    public ModuleOrder OrderOf(ModuleId module, Segment segment, ModuleVersion? start) => new(
        0, segment, start ?? new ModuleVersion(module, segment.First, Fork(module), null),
        [.. Enumerable.Range(segment.First.Value, segment.End.Value - segment.First.Value)
            .Select(phase => PathsOf(module).RemoveAll(path => !HasTurn(path, new Phase(phase))))],
        PathsOf(module), module == Private) { FoldPaths = FoldPaths };
}
