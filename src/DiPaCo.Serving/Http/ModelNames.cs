using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Serving.Models;

namespace DiPaCo.Serving.Http;

/// <summary>The names of what is served: the run, whose router chooses, and every path as <c>run:path-n</c>.</summary>
/// <param name="source">The newest version.</param>
internal sealed class ModelNames(ModelSource source)
{
    private const string PathMark = ":path-";

    /// <summary>All names of the newest version.</summary>
    public IEnumerable<(string Name, LiveModel Model, PathId? Path)> All()
    {
        LiveModel model = source.Current;
        string name = model.Description.Name;
        return [
            (name, model, null),
            .. model.Grid.Topology.Paths.Select(path => (string.Create(CultureInfo.InvariantCulture, $"{name}{PathMark}{path.Value}"), model, (PathId?)path))];
    }

    /// <summary>The model that a request names; the run where it names none.</summary>
    public (LiveModel Model, PathId? Path, string Name) Find(RequestBody body)
    {
        LiveModel model = source.Current;
        string name = body.String("model") ?? model.Description.Name;
        return Resolve(model, name) is { } found ? (model, found.Path, name) : throw Unknown(name, model);
    }

    /// <summary>The model of that name; null: there is none.</summary>
    public (LiveModel Model, PathId? Path)? Find(string name)
    {
        LiveModel model = source.Current;
        return Resolve(model, name) is { } found ? (model, found.Path) : null;
    }

    /// <summary>The error about a name that nothing has.</summary>
    public ApiException Unknown(string name) => Unknown(name, source.Current);

    private static ApiException Unknown(string name, LiveModel model) => new(
        404, $"There is no model '{(name.Length > 100 ? name[..100] : name)}' here; '{model.Description.Name}' or '{model.Description.Name}{PathMark}0' is one.", "model", "model_not_found");

    private static (bool Found, PathId? Path)? Resolve(LiveModel model, string name)
    {
        string run = model.Description.Name;
        if (name == run)
        {
            return (true, null);
        }

        return name.StartsWith(run + PathMark, StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(run.Length + PathMark.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && model.Grid.Topology.Paths.Contains(new PathId(number)) ? (true, new PathId(number)) : null;
    }
}
