using System.Reflection;
using DiPaCo.Model;
using DiPaCo.Model.Buffers;
using DiPaCo.Model.Kernels;

namespace DiPaCo.Benchmarks;

/// <summary>Passes every operation on and notes when each operation began and ended.</summary>
internal class TimedKernels : DispatchProxy
{
    private IKernels? _inner;

    public Func<double> Clock { get; private set; } = () => 0;

    public List<TimedCall> Calls { get; } = [];

    public static (IKernels Kernels, TimedKernels Times) Around(IKernels inner, Func<double> clock)
    {
        IKernels proxy = Create<IKernels, TimedKernels>();
        TimedKernels times = (TimedKernels)(object)proxy;
        times._inner = inner;
        times.Clock = clock;
        return (proxy, times);
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        ArgumentNullException.ThrowIfNull(targetMethod);
        double start = Clock();
        object? result = targetMethod.Invoke(_inner, args);
        double end = Clock();
        Calls.Add(
            args is not null && args.OfType<Parameter>().FirstOrDefault() is { Layout.IsMatrix: true } weight && args.OfType<MatrixRows>().Cast<MatrixRows?>().FirstOrDefault() is { } rows
                ? new TimedCall($"{targetMethod.Name} {weight.Layout.Rows} × {weight.Layout.Columns}", start, end, 2.0 * rows.Count * weight.Layout.Rows * weight.Layout.Columns)
                : new TimedCall(targetMethod.Name, start, end, Flops: 0));
        return result;
    }
}
