using DiPaCo.Core.Configuration;
using DiPaCo.Model.Native;
using DiPaCo.Training.Benchmarking;

TorchThreads.Set(Environment.ProcessorCount);
int pairs = args.Length > 0 ? int.Parse(args[0]) : 10;
foreach (ComputeType type in new[] { ComputeType.Bf16, ComputeType.Fp32 })
{
    Console.WriteLine(StepBenchmark.Measure(BenchmarkShapes.Small, type, 16, 256, pairs));
    Console.WriteLine(StepBenchmark.Measure(BenchmarkShapes.Large, type, 16, 256, Math.Max(2, pairs / 3)));
}
