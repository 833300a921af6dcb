using DiPaCo.Core;

namespace DiPaCo.Model;

/// <summary>The modules that are in a model's buffers: one is loaded when a branch of the tree needs another version of it.</summary>
/// <param name="model">The buffers; not owned.</param>
/// <param name="tree">The paths.</param>
/// <param name="load">Reads modules.</param>
internal sealed class TreeModules(PathModel model, PathTree tree, ModuleLoad load)
{
    private readonly BlobHash?[] _loaded = new BlobHash?[model.Parameters.Segments.Length];

    /// <summary>Makes the modules of a node ready.</summary>
    public void Load(PathTreeNode node)
    {
        foreach (int module in node.Modules)
        {
            BlobHash version = tree.VersionOf(node.Paths[0], module);
            if (_loaded[module] != version)
            {
                _loaded[module] = null;
                load(model.Parameters.Segments[module].Module, version);
                _loaded[module] = version;
            }
        }
    }
}
