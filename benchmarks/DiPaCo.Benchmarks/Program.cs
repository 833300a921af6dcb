using DiPaCo.Benchmarks;
using DiPaCo.Model.Native;

TorchThreads.Set(Environment.ProcessorCount);
switch (args)
{
    case ["profile", ..]:
        StepProfile.Print();
        break;
    case ["steps", ..]:
        StepTable.Print(args[1..]);
        break;
    case ["adamw", ..]:
        Console.WriteLine($"AdamW: {DiPaCo.Training.Benchmarking.AdamWBenchmark.Measure(DiPaCo.Training.Benchmarking.BenchmarkShapes.Large, pairs: 10):F2} times a copy of the same bytes");
        break;
    default:
        Console.WriteLine("steps [small|large] [bf16|fp32] [sequences] [length] [pairs] · profile · adamw");
        break;
}
