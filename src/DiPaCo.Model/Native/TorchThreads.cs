using TorchSharp;

namespace DiPaCo.Model.Native;

/// <summary>
/// The number of threads that libtorch computes with. It belongs to the process and is set once, from the
/// configuration, by the program; never by a library.
/// </summary>
public static class TorchThreads
{
    private static readonly Lock Gate = new();
    private static int _count;

    /// <summary>
    /// Sets <paramref name="count"/> threads within an operation and one between operations: the training step is a
    /// chain, in which operations beside each other would only fight for the cores.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is less than 1.</exception>
    /// <exception cref="InvalidOperationException">Another number was set before.</exception>
    public static void Set(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        TorchLibrary.Initialize();
        lock (Gate)
        {
            if (_count == count)
            {
                return;
            }

            if (_count != 0)
            {
                throw new InvalidOperationException($"libtorch already computes with {_count} threads; it cannot be changed to {count}.");
            }

            torch.set_num_interop_threads(1);
            torch.set_num_threads(count);
            _count = count;
        }
    }
}
