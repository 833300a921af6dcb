using DiPaCo.Core;

namespace DiPaCo.Runtime;

/// <summary>How weights become others of less precision, in memory of the same size: what a server does that stores them in fewer bits.</summary>
public interface IWeightRounding
{
    /// <summary>What it is called in tables, for example <c>int8 weights</c>.</summary>
    string Name { get; }

    /// <summary>Rounds a module's parameters in place.</summary>
    /// <param name="layout">Where the tensors lie.</param>
    /// <param name="flat">The flat buffer, <see cref="ModuleLayout.Length"/> elements.</param>
    void Round(ModuleLayout layout, Span<float> flat);
}
