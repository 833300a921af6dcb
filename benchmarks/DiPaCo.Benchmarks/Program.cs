using System.Globalization;
using DiPaCo.Benchmarks;
using DiPaCo.Model.Native;
using DiPaCo.Runtime.Storage;
using DiPaCo.Training.Benchmarking;

TorchThreads.Set(int.Parse(Environment.GetEnvironmentVariable("THREADS") ?? $"{Environment.ProcessorCount}"));
switch (args)
{
    case ["profile", ..]:
        StepProfile.Print(args[1..]);
        break;
    case ["steps", ..]:
        StepTable.Print(args[1..]);
        break;
    case ["adamw", ..]:
        Console.WriteLine($"AdamW: {AdamWBenchmark.Measure(BenchmarkShapes.Large, pairs: 10):F2} times a copy of the same bytes");
        break;
    case ["safetensors", ..]:
        SafeTensorsRatios files = await SafeTensorsBenchmark.MeasureAsync(Path.GetTempPath(), rounds: 7, BlobStoreBenchmark.PutAsync);
        Console.WriteLine($"safetensors: write {files.Write:F2} times a plain write, read {files.Read:F2} times a plain read of the same bytes");
        Console.WriteLine($"safetensors: write {files.WriteOverCopy:F2}, read {files.ReadOverCopy:F2} times a copy of the same file");
        Console.WriteLine($"FolderBlobStore.PutAsync: {files.Put:F2} times a plain write that is flushed to the disk");
        break;
    case ["outer", "module"]:
        await OuterTable.PrintAsync();
        break;
    case ["outer", ..]:
        Console.WriteLine($"outer step over 8 contributions: {OuterBenchmark.Measure(elements: 1 << 24, contributions: 8, pairs: 9):F2} of a copy's bandwidth");
        Console.WriteLine($"outer step over 32 contributions: {OuterBenchmark.Measure(elements: 1 << 22, contributions: 32, pairs: 9):F2}");
        break;
    case ["fold", string megabytes, string paths, string group]:
        await FoldTable.PrintAsync(
            int.Parse(megabytes, CultureInfo.InvariantCulture), int.Parse(paths, CultureInfo.InvariantCulture), int.Parse(group, CultureInfo.InvariantCulture));
        break;
    case ["memory", ..]:
        await MemoryTable.PrintAsync(steps: 1000);
        break;
    case ["pipeline", ..]:
        await PipelineTable.PrintAsync(steps: 60);
        break;
    case ["bpe", string folder, .. string[] vocabulary]:
        await BpeTable.PrintAsync(folder, vocabulary is [string entries] ? int.Parse(entries, CultureInfo.InvariantCulture) : 8192);
        break;
    case ["treescore", ..]:
        TreeScoreTable.Print(args[1..]);
        break;
    case ["serve", ..]:
        ServeTable.Print(args[1..]);
        break;
    case ["server", ..]:
        await ServerTable.PrintAsync(args[1..]);
        break;
    case ["cluster", ..]:
        await ClusterTable.PrintAsync(args[1..]);
        break;
    case ["kmeans", ..]:
        KMeansTable.Print(args[1..]);
        break;
    case ["logistic", ..]:
        LogisticTable.Print(args[1..]);
        break;
    default:
        Console.WriteLine("steps [small|large] [bf16|fp32] [sequences] [length] [pairs] · profile [small|large] [bf16|fp32] · adamw · outer [module] · fold MEGABYTES PATHS GROUP · safetensors · memory · pipeline · bpe FOLDER [entries] · kmeans [rows] [pairs] · logistic [documents] [features] [paths] · treescore [small|large] [bf16|fp32] · serve [30|150] [fp32|bf16|int8] · server [30|150] [fp32|bf16|int8] [start] [clients] [swap] [llama] · cluster [runtime] [link] [failures] [handover] [dispatcher]");
        break;
}
