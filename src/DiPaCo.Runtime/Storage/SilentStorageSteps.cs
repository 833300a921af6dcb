namespace DiPaCo.Runtime.Storage;

/// <summary>Nobody wants to know.</summary>
public sealed class SilentStorageSteps : IStorageSteps
{
    private SilentStorageSteps()
    {
    }

    /// <summary>The only instance.</summary>
    public static SilentStorageSteps Instance { get; } = new();

    /// <inheritdoc/>
    public void Reached(StorageStep done, string path)
    {
    }
}
