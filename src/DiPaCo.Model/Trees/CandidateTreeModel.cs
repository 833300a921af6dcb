using System.Collections.Immutable;
using TorchSharp;
using static TorchSharp.torch;
using TensorBuffer = DiPaCo.Model.Buffers.TensorBuffer;

namespace DiPaCo.Model;

/// <summary>Receives the losses of a sequence under a path, [T] in nats, 0 where nothing is scored; valid during the call.</summary>
public delegate void CandidateSequenceLosses(int path, int sequence, ReadOnlySpan<float> losses);

/// <summary>
/// The losses of sequences, each under a few paths of its own. The tree is walked as by <see cref="PathTreeModel"/>, but only the sequences
/// that want a path of a branch enter it: there they meet in batches of their own, taken from the residual stream at the fork. A sequence
/// of n paths costs at most n passes, less what these have in common, however many paths the tree has.
/// </summary>
/// <remarks>
/// Memory grows with the tokens of one call as in <see cref="PathTreeModel"/>. Batches, and with them the last bits of the losses, follow
/// from the sequences and their paths alone.
/// </remarks>
public sealed class CandidateTreeModel : IDisposable
{
    private readonly PathModel _model;
    private readonly PathTree _tree;
    private readonly TreeModules _modules;
    private readonly TensorBuffer[] _residuals;
    private readonly TensorBuffer _gathered;
    private readonly int[] _branchOf;

    /// <summary>Prepares to score.</summary>
    /// <param name="model">A path whose modules divide the stack as the tree's do, in the same order; not owned. Its parameters are overwritten.</param>
    /// <param name="tree">The paths.</param>
    /// <param name="load">Reads modules.</param>
    public CandidateTreeModel(PathModel model, PathTree tree, ModuleLoad load)
    {
        (_model, _tree) = (model, tree);
        _modules = new TreeModules(model, tree, load);
        Device device = model.Parameters.Buffers.Master.Value.device;
        _residuals = [.. Enumerable.Range(0, tree.Depth - 1).Select(_ => new TensorBuffer(model.Shape.Width, ScalarType.Float32, device))];
        _gathered = new TensorBuffer(model.Shape.Width, ScalarType.Float32, device);
        _branchOf = new int[tree.PathCount];
    }

    /// <summary>How often the parts of a module have been computed for a sequence so far.</summary>
    public long ModuleEvaluations { get; private set; }

    /// <summary>Floating-point operations of what has been computed so far.</summary>
    public double Flops { get; private set; }

    /// <summary>Scores sequences under their paths. The more sequences there are, the less the loading of modules counts.</summary>
    /// <param name="sequences">The sequences, each a batch of its own.</param>
    /// <param name="paths">The paths of each, different from each other.</param>
    /// <param name="receive">Is given the losses: under each path those of sequences of one length in their order.</param>
    /// <param name="cancellationToken">Looked at between batches.</param>
    public void Evaluate(
        IReadOnlyList<TokenBatch> sequences, IReadOnlyList<ImmutableArray<int>> paths, CandidateSequenceLosses receive, CancellationToken cancellationToken)
    {
        List<Wanted> all = [];
        long rows = 0;
        for (int i = 0; i < sequences.Count; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNotEqual(sequences[i].Tokens.Length, sequences[i].Length, nameof(sequences));
            TokenCheck.Targets(sequences[i].Tokens, sequences[i].Targets, _model.Shape);
            rows += sequences[i].Length;
            foreach (int path in paths[i])
            {
                all.Add(new Wanted(i, path));
            }
        }

        if (all.Count == 0)
        {
            return;
        }

        // Sequences of one length stand together and make batches without padding; a branch takes some out and keeps the order.
        all.Sort((one, other) => (sequences[one.Sequence].Length, one.Sequence, one.Path).CompareTo((sequences[other.Sequence].Length, other.Sequence, other.Path)));
        foreach (TensorBuffer residual in _residuals)
        {
            residual.Resize(rows);
        }

        long[][] firstRows = [.. _residuals.Select(_ => new long[sequences.Count])];
        float[] losses = new float[Math.Max(_model.MaxTokens, sequences.Max(sequence => sequence.Length))];
        VisitAll(_tree.Roots, 0, all);

        void VisitAll(ImmutableArray<PathTreeNode> branches, int depth, List<Wanted> wanted)
        {
            List<Wanted>[] of = Divide(branches, wanted);
            for (int branch = 0; branch < branches.Length; branch++)
            {
                if (of[branch].Count > 0)
                {
                    Visit(branches[branch], depth, of[branch]);
                }
            }
        }

        void Visit(PathTreeNode node, int depth, List<Wanted> wanted)
        {
            _modules.Load(node);
            TensorBuffer? above = node.Children.IsEmpty ? null : _residuals[depth];
            long row = 0;
            for (int first = 0, end; first < wanted.Count; first = end)
            {
                cancellationToken.ThrowIfCancellationRequested();
                (end, int[] members) = NextBatch(wanted, first, sequences);
                int length = sequences[members[0]].Length;
                TokenBatch batch = new(
                    [.. members.SelectMany(member => sequences[member].Tokens)], [.. members.SelectMany(member => sequences[member].Targets)], length);
                if (depth > 0)
                {
                    Gather(_residuals[depth - 1], firstRows[depth - 1], members, length);
                }

                Span<float> found = above is null ? losses.AsSpan(0, batch.Tokens.Length) : [];
                _model.EvaluateParts(node.FirstPart, node.EndPart, batch, depth > 0 ? _gathered : null, above, 0, row, found);
                ModuleEvaluations += _tree.RunsOf(node) * members.Length;
                Flops += PathTree.FlopsPerToken(node, _model.Shape, length) * members.Length * length;
                if (above is null)
                {
                    for (int i = first, member = 0; i < end; i++)
                    {
                        member += members[member] == wanted[i].Sequence ? 0 : 1;
                        receive(wanted[i].Path, wanted[i].Sequence, found.Slice(member * length, length));
                    }
                }
                else
                {
                    foreach (int member in members)
                    {
                        firstRows[depth][member] = row;
                        row += length;
                    }
                }
            }

            VisitAll(node.Children, depth + 1, wanted);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TensorBuffer residual in _residuals)
        {
            residual.Dispose();
        }

        _gathered.Dispose();
    }

    /// <summary>What is wanted of each branch.</summary>
    private List<Wanted>[] Divide(ImmutableArray<PathTreeNode> branches, List<Wanted> wanted)
    {
        List<Wanted>[] of = [.. branches.Select(_ => new List<Wanted>())];
        for (int branch = 0; branch < branches.Length; branch++)
        {
            foreach (int path in branches[branch].Paths)
            {
                _branchOf[path] = branch;
            }
        }

        foreach (Wanted one in branches.IsEmpty ? [] : wanted)
        {
            of[_branchOf[one.Path]].Add(one);
        }

        return of;
    }

    /// <summary>The next sequences of one length, as many as fit a micro-batch.</summary>
    private (int End, int[] Members) NextBatch(List<Wanted> wanted, int first, IReadOnlyList<TokenBatch> sequences)
    {
        int length = sequences[wanted[first].Sequence].Length;
        int most = Math.Max(1, _model.MaxTokens / length);
        List<int> members = [];
        int end = first;
        for (; end < wanted.Count; end++)
        {
            int sequence = wanted[end].Sequence;
            if (members.Count > 0 && members[^1] == sequence)
            {
                continue;
            }

            if (members.Count == most || sequences[sequence].Length != length)
            {
                break;
            }

            members.Add(sequence);
        }

        return (end, [.. members]);
    }

    private void Gather(TensorBuffer below, long[] firstRows, int[] members, int length)
    {
        using DisposeScope scope = NewDisposeScope();
        _gathered.Resize((long)members.Length * length);
        for (int i = 0; i < members.Length; i++)
        {
            _gathered.Value.narrow(0, (long)i * length, length).copy_(below.Value.narrow(0, firstRows[members[i]], length));
        }
    }

    private readonly record struct Wanted(int Sequence, int Path);
}
