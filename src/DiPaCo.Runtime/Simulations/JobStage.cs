namespace DiPaCo.Runtime.Simulations;

/// <summary>Where a task is at its worker.</summary>
internal enum JobStage
{
    Downloading,
    Ready,
    Computing,
    Uploading,
}
