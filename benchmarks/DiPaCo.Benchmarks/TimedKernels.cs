using System.Reflection;
using DiPaCo.Model.Kernels;

namespace DiPaCo.Benchmarks;

/// <summary>Passes every operation on and notes when each operation began and ended.</summary>
internal class TimedKernels : DispatchProxy
{
    private IKernels? _inner;

    public Func<double> Clock { get; private set; } = () => 0;

    public List<(string Name, double Start, double End)> Calls { get; } = [];

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
        DiPaCo.Model.Parameter? weight = args?.OfType<DiPaCo.Model.Parameter>().FirstOrDefault(parameter => parameter.Layout.IsMatrix);
        Calls.Add((weight is null || targetMethod.Name.StartsWith("Embed", StringComparison.Ordinal) ? targetMethod.Name : $"{targetMethod.Name} {weight.Layout.Rows}x{weight.Layout.Columns}", start, Clock()));
        return result;
    }
}
