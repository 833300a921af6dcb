using DiPaCo.Core;
using static TorchSharp.torch;
using TensorBuffer = DiPaCo.Model.Buffers.TensorBuffer;

namespace DiPaCo.Model;

/// <summary>Receives the losses of a batch under a path, [B, T] in nats, 0 where nothing is scored; valid during the call.</summary>
public delegate void TreeLosses(int path, int batch, ReadOnlySpan<float> losses);

/// <summary>Reads a version of a module into its place in the model's buffers.</summary>
public delegate void ModuleLoad(ModuleId place, BlobHash version);

/// <summary>
/// The losses of sequences under all paths of a tree. One path's buffers serve all paths: a module is loaded when a branch needs another
/// version of it, and the residual stream at every fork is kept for the branches above. The losses are those of
/// <see cref="PathModel.EvaluateLosses"/> under each path alone, bit for bit.
/// </summary>
/// <remarks>Memory grows with the tokens of one call: 4 bytes × width for each token and each fork on the way to a path.</remarks>
public sealed class PathTreeModel : IDisposable
{
    private readonly PathModel _model;
    private readonly PathTree _tree;
    private readonly TreeModules _modules;
    private readonly TensorBuffer[] _residuals;

    /// <summary>Prepares to score.</summary>
    /// <param name="model">A path whose modules divide the stack as the tree's do, in the same order; not owned. Its parameters are overwritten.</param>
    /// <param name="tree">The paths.</param>
    /// <param name="load">Reads modules.</param>
    public PathTreeModel(PathModel model, PathTree tree, ModuleLoad load)
    {
        (_model, _tree) = (model, tree);
        _modules = new TreeModules(model, tree, load);
        Device device = model.Parameters.Buffers.Master.Value.device;
        _residuals = [.. Enumerable.Range(0, tree.Depth - 1).Select(_ => new TensorBuffer(model.Shape.Width, ScalarType.Float32, device))];
    }

    /// <summary>Scores batches under every path. The more tokens there are, the less the loading of modules counts.</summary>
    /// <param name="batches">The sequences; the micro-batches of each are those of <see cref="PathModel.EvaluateLosses"/>.</param>
    /// <param name="receive">Is given the losses: for each path the batches in their order.</param>
    /// <param name="cancellationToken">Looked at between batches.</param>
    public void Evaluate(IReadOnlyList<TokenBatch> batches, TreeLosses receive, CancellationToken cancellationToken)
    {
        long[] firstRows = new long[batches.Count];
        long rows = 0;
        for (int i = 0; i < batches.Count; i++)
        {
            TokenCheck.Targets(batches[i].Tokens, batches[i].Targets, _model.Shape);
            firstRows[i] = rows;
            rows += batches[i].Tokens.Length;
        }

        if (rows == 0)
        {
            return;
        }

        foreach (TensorBuffer residual in _residuals)
        {
            residual.Resize(rows);
        }

        float[] losses = new float[batches.Max(batch => batch.Tokens.Length)];
        foreach (PathTreeNode root in _tree.Roots)
        {
            Visit(root, 0);
        }

        void Visit(PathTreeNode node, int depth)
        {
            _modules.Load(node);
            TensorBuffer? below = depth == 0 ? null : _residuals[depth - 1];
            TensorBuffer? above = node.Children.IsEmpty ? null : _residuals[depth];
            for (int i = 0; i < batches.Count; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Span<float> found = above is null ? losses.AsSpan(0, batches[i].Tokens.Length) : [];
                _model.EvaluateParts(node.FirstPart, node.EndPart, batches[i], below, above, firstRows[i], firstRows[i], found);
                foreach (int path in node.Children.IsEmpty ? node.Paths : [])
                {
                    receive(path, i, found);
                }
            }

            foreach (PathTreeNode child in node.Children)
            {
                Visit(child, depth + 1);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TensorBuffer residual in _residuals)
        {
            residual.Dispose();
        }
    }
}
