using System.Diagnostics;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using TorchSharp;

namespace DiPaCo.Benchmarks;

/// <summary>
/// Time from the last contribution of a module to its next version, the blob store included: of one outer step over all contributions, and of
/// what is left to do where groups of them are folded before, the last contribution being one of the last group, or of the first.
/// </summary>
internal static class FoldTable
{
    private const int Width = 256;

    /// <summary>Measures, each time on a store that has read none of the contributions before.</summary>
    /// <param name="megabytes">Size of the module.</param>
    /// <param name="paths">Contributions.</param>
    /// <param name="group">Contributions that are folded together.</param>
    public static async Task PrintAsync(int megabytes, int paths, int group)
    {
        string folder = Directory.CreateTempSubdirectory("dipaco-fold-").FullName;
        try
        {
            TransformerShape shape = new()
            {
                Vocabulary = megabytes * (1 << 18) / Width, Blocks = 1, Width = Width, Heads = 8, KeyValueHeads = 8, HeadWidth = 32, FeedForward = 512,
            };
            OuterSpec whole = await RandomOuterStep.SpecAsync(new FolderBlobStore(folder), shape, paths);
            double once = await TimeAsync(folder, [whole]);
            Console.WriteLine($"one outer step over {paths} contributions of {megabytes} MiB: {once:0.00} s");
            List<TaskSpec> chain = [];
            FoldedSums? before = null;
            int folded = (paths - 1) / group * group;
            for (int first = 0; first < folded; first += group)
            {
                FoldSpec fold = new(shape, whole.Module, whole.Contributions[first..(first + group)]) { Before = before };
                chain.Add(fold);
                using LocalExecutor executor = new(torch.CPU, Environment.ProcessorCount, TimeProvider.System);
                TaskResult result = await executor.ExecuteAsync(fold, new FolderBlobStore(folder), null, CancellationToken.None);
                before = new FoldedSums(result[FoldSpec.SumsOutput], [.. whole.Contributions[..(first + group)].Select(contribution => contribution.Weight)]);
            }

            chain.Add(whole with { Contributions = whole.Contributions[folded..], Folded = before });
            double least = await TimeAsync(folder, chain[^1..]), most = await TimeAsync(folder, chain);
            Console.WriteLine($"with folds of {group}: {least / once:0.00} of that where the last contribution is of the last group, {most / once:0.00} where it is of the first");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<double> TimeAsync(string folder, List<TaskSpec> tasks)
    {
        double best = double.MaxValue;
        for (int round = 0; round < 3; round++)
        {
            using LocalExecutor executor = new(torch.CPU, Environment.ProcessorCount, TimeProvider.System);
            FolderBlobStore store = new(folder);
            long start = Stopwatch.GetTimestamp();
            foreach (TaskSpec task in tasks)
            {
                await executor.ExecuteAsync(task, store, null, CancellationToken.None);
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }
}
