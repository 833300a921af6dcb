using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tests.Storage;

/// <summary>Notes what happened, and can do something about it.</summary>
internal sealed class RecordedSteps(Action<StorageStep, string>? react = null) : IStorageSteps
{
    public List<StorageStep> Done { get; } = [];

    public void Reached(StorageStep done, string path)
    {
        Done.Add(done);
        react?.Invoke(done, path);
    }
}
