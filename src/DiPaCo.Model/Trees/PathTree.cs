using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Model;

/// <summary>
/// Paths as a tree: what several have in common from the embedding on is one branch, computed once. A grid of two levels of K experts
/// makes K + K² evaluations of a module instead of 2·K². A part that is private to a path ends the sharing from there on.
/// </summary>
public sealed class PathTree
{
    private readonly ImmutableArray<ImmutableArray<StackModule>> _paths;
    private readonly int[] _ownerOfPart;

    private PathTree(ImmutableArray<ImmutableArray<StackModule>> paths, int[] ownerOfPart)
    {
        _paths = paths;
        _ownerOfPart = ownerOfPart;
        Roots = Grow(0, [.. Enumerable.Range(0, paths.Length)]);
        ModuleEvaluations = Roots.Sum(Evaluations);
        SeparateEvaluations = (long)paths.Length * RunsOfAPath;
        Depth = Roots.Max(DepthOf);
    }

    /// <summary>Paths in the tree.</summary>
    public int PathCount => _paths.Length;

    /// <summary>Where the tree begins: one branch a version of the embedding.</summary>
    public ImmutableArray<PathTreeNode> Roots { get; }

    /// <summary>Nodes on the longest way from a root to a leaf.</summary>
    public int Depth { get; }

    /// <summary>How often the parts of a module are computed for one batch.</summary>
    public long ModuleEvaluations { get; }

    /// <summary>How often they were if every path were computed alone.</summary>
    public long SeparateEvaluations { get; }

    /// <summary>Modules whose parts one path alone computes.</summary>
    public int RunsOfAPath => Runs(0, _ownerOfPart.Length);

    /// <summary>Finds what the paths have in common.</summary>
    /// <param name="blocks">Blocks of the transformer.</param>
    /// <param name="paths">The modules of each path; all paths divide the stack alike, in the same order.</param>
    /// <exception cref="ArgumentException">There is no path, or the paths divide the stack differently or not completely.</exception>
    public static PathTree Of(int blocks, ImmutableArray<ImmutableArray<StackModule>> paths)
    {
        if (paths.IsEmpty || paths.Any(path => path.Length != paths[0].Length
            || path.Zip(paths[0]).Any(pair => !pair.First.Parts.SequenceEqual(pair.Second.Parts))))
        {
            throw new ArgumentException("A tree needs paths that divide the transformer into modules in the same way.", nameof(paths));
        }

        TransformerPart[] parts = [.. TransformerPart.All(blocks)];
        int[] owner = [.. parts.Select(part => paths[0].IndexOf(paths[0].FirstOrDefault(module => module.Parts.Contains(part))!))];
        return owner.All(module => module >= 0)
            ? new PathTree(paths, owner)
            : throw new ArgumentException($"No module owns part {Array.IndexOf(owner, -1)} of the transformer.", nameof(paths));
    }

    /// <summary>The version of a module of a path.</summary>
    public BlobHash VersionOf(int path, int module) => _paths[path][module].Version;

    /// <summary>Modules whose parts a node computes.</summary>
    public int RunsOf(PathTreeNode node) => Runs(node.FirstPart, node.EndPart);

    /// <summary>Floating-point operations of one token under all paths.</summary>
    /// <param name="shape">The transformer.</param>
    /// <param name="sequenceLength">Tokens of a sequence.</param>
    public double FlopsPerToken(TransformerShape shape, int sequenceLength)
    {
        return Roots.Sum(Branch);

        double Branch(PathTreeNode node) => FlopsPerToken(node, shape, sequenceLength) + node.Children.Sum(Branch);
    }

    /// <summary>Floating-point operations of one token in a node's run of parts.</summary>
    public static double FlopsPerToken(PathTreeNode node, TransformerShape shape, int sequenceLength) =>
        TransformerPart.All(shape.Blocks).Skip(node.FirstPart).Take(node.EndPart - node.FirstPart)
            .Sum(part => shape.ForwardFlopsPerToken(part, sequenceLength));

    private ImmutableArray<PathTreeNode> Grow(int part, ImmutableArray<int> paths)
    {
        int module = _ownerOfPart[part];
        return [.. paths.GroupBy(path => VersionOf(path, module)).Select(branch => Node(part, [.. branch]))];
    }

    private PathTreeNode Node(int first, ImmutableArray<int> paths)
    {
        int end = first + 1;
        while (end < _ownerOfPart.Length && paths.All(path => VersionOf(path, _ownerOfPart[end]) == VersionOf(paths[0], _ownerOfPart[end])))
        {
            end++;
        }

        return new PathTreeNode(
            first, end, [.. _ownerOfPart[first..end].Distinct()], paths, end < _ownerOfPart.Length ? Grow(end, paths) : []);
    }

    private long Evaluations(PathTreeNode node) => RunsOf(node) + node.Children.Sum(Evaluations);

    private static int DepthOf(PathTreeNode node) => 1 + (node.Children.IsEmpty ? 0 : node.Children.Max(DepthOf));

    // Branches part only where the owner changes, so a node always begins with the first part of a module's run.
    private int Runs(int first, int end) =>
        Enumerable.Range(first, end - first).Count(part => part == 0 || _ownerOfPart[part] != _ownerOfPart[part - 1]);
}
