using System.Diagnostics;
using System.Reflection;
using DiPaCo.Model.Kernels;

namespace DiPaCo.Benchmarks;

/// <summary>Passes every operation on and adds up the time that each kind of operation takes.</summary>
internal class TimedKernels : DispatchProxy
{
    private IKernels? _inner;

    public Dictionary<string, double> Seconds { get; } = [];

    public static (IKernels Kernels, TimedKernels Times) Around(IKernels inner)
    {
        IKernels proxy = Create<IKernels, TimedKernels>();
        TimedKernels times = (TimedKernels)(object)proxy;
        times._inner = inner;
        return (proxy, times);
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        ArgumentNullException.ThrowIfNull(targetMethod);
        long start = Stopwatch.GetTimestamp();
        object? result = targetMethod.Invoke(_inner, args);
        Seconds[targetMethod.Name] = Seconds.GetValueOrDefault(targetMethod.Name) + Stopwatch.GetElapsedTime(start).TotalSeconds;
        return result;
    }
}
