using System.Diagnostics;
using System.Runtime.InteropServices;

namespace DiPaCo.Benchmarks;

/// <summary>Two clocks, in seconds.</summary>
internal static partial class Clocks
{
    private const int ThreadProcessorTime = 3;

    /// <summary>The time that passes.</summary>
    public static double Wall() => Stopwatch.GetElapsedTime(0).TotalSeconds;

    /// <summary>
    /// The time for which the calling thread has a core: undisturbed by what else runs on the machine, but for its caches. Linux only.
    /// </summary>
    public static double Thread()
    {
        _ = GetTime(ThreadProcessorTime, out TimeSpec time);
        return time.Seconds + (time.Nanoseconds * 1e-9);
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out TimeSpec time);

    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
