using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Training.Codecs;

namespace DiPaCo.Runtime.Tasks;

/// <summary>An input that a worker with the version before can build from a difference, instead of fetching it.</summary>
/// <param name="Shape">The transformer.</param>
/// <param name="Parts">What the module owns.</param>
/// <param name="Blob">The input.</param>
/// <param name="Delta">The version before, and the difference.</param>
public sealed record BuildableModule(TransformerShape Shape, ImmutableArray<TransformerPart> Parts, BlobHash Blob, VersionDelta Delta)
{
    /// <summary>Builds the input's bytes; whoever trains from them first holds them against the input's hash.</summary>
    /// <param name="baseFile">The version before.</param>
    /// <param name="deltaFile">The difference.</param>
    /// <param name="destination">Receives the file, front to back.</param>
    /// <exception cref="DeltaFormatException">The difference is damaged, hostile, or of a module of another length.</exception>
    /// <exception cref="Model.SafeTensors.SafeTensorsException">The version before is not one of this module.</exception>
    public void Build(string baseFile, string deltaFile, Stream destination)
    {
        ModuleLayout layout = ModuleLayout.Of(Shape, Parts);
        float[] parameters = new float[layout.Length];
        ModuleFile.Read(baseFile, layout, parameters);
        Published.Advance(parameters, File.OpenRead(deltaFile));
        ModuleFile.Write(destination, layout, parameters);
    }
}
