namespace DiPaCo.Runtime.Storage;

/// <summary>
/// Is told of every durable operation as soon as it is done, on the thread that did it. A test ends the process here:
/// whatever the step, the next process must find a consistent run.
/// </summary>
public interface IStorageSteps
{
    /// <summary>The operation <paramref name="done"/> on <paramref name="path"/> is done.</summary>
    void Reached(StorageStep done, string path);
}
