using DiPaCo.Core;

namespace DiPaCo.Serving.Grids;

/// <summary>A module in the version in which one path is served.</summary>
/// <param name="Definition">Its parts and their layout.</param>
/// <param name="Blob">Its parameters, a safetensors file. Modules of equal blobs are the same in memory.</param>
public readonly record struct GridModule(ModuleDefinition Definition, BlobHash Blob);
