using System.Security.Cryptography;
using System.Text;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Runtime.Storage;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// How a worker's arithmetic rounds: for each compute type the hash of what a small, always equal training task makes of always equal inputs. Workers with equal
/// fingerprints compute equal bytes, so they may take each other's tasks in a run that must come out bit-identical. A run needs them equal in its own compute type
/// only: in fp32 processors of different makes agree that do not in bf16.
/// </summary>
public static class NumericsFingerprint
{
    private const char Between = ' ';
    private const char Colon = ':';
    private const int ShownDigits = 12;
    private const int Vocabulary = 512;
    private const int SequenceLength = 128;
    private const int Documents = 16;
    private const int DocumentTokens = 200;

    private static readonly TransformerShape Shape = new()
    {
        // Wide enough that the matrix products take the same kernels as those of real paths.
        Vocabulary = Vocabulary, Blocks = 2, Width = 128, Heads = 4, KeyValueHeads = 2, HeadWidth = 32, FeedForward = 320,
    };

    /// <summary>Computes the task in a folder of its own, which is gone afterwards; takes about a second.</summary>
    /// <param name="executor">The arithmetic.</param>
    /// <param name="cancellationToken">Ends the computation.</param>
    /// <returns>For each compute type its name and 64 hexadecimal digits, for example <c>fp32:60a3… bf16:8c1f…</c>.</returns>
    /// <exception cref="StorageException">The folder for temporary files cannot be written to.</exception>
    public static async Task<string> ComputeAsync(ITaskExecutor executor, CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("dipaco-numerics-").FullName;
        try
        {
            FolderBlobStore store = new(folder);
            List<string> parts = [];
            BlobHash chunk = await ChunkAsync(store, cancellationToken);
            TaskResult initial = await executor.ExecuteAsync(new InitializeSpec(Shape, Seed: 1), store, null, cancellationToken);
            foreach (ComputeType compute in new[] { ComputeType.Fp32, ComputeType.Bf16 })
            {
                StringBuilder made = new();
                TaskResult trained = await executor.ExecuteAsync(Training(compute, initial[OuterSpec.ModuleOutput], chunk), store, null, cancellationToken);
                foreach ((string name, BlobHash blob) in trained.Outputs)
                {
                    made.Append(name).Append(' ').Append(blob.Hex).Append('\n');
                }

                parts.Add(NameOf(compute) + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(made.ToString()))));
            }

            return string.Join(Between, parts);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>What of a worker's fingerprint matters to a run.</summary>
    /// <param name="fingerprint">The worker's.</param>
    /// <param name="compute">The run's compute type.</param>
    /// <returns>The part for that type; the whole, where it is not divided.</returns>
    public static string For(string fingerprint, ComputeType compute) =>
        fingerprint.Split(Between).FirstOrDefault(part => part.StartsWith(NameOf(compute), StringComparison.Ordinal)) ?? fingerprint;

    /// <summary>Whether a worker rounds as is wanted.</summary>
    /// <param name="fingerprint">The worker's.</param>
    /// <param name="wanted">A fingerprint, or the part of one for some compute type; null: any will do.</param>
    public static bool Covers(string fingerprint, string? wanted) =>
        wanted is null || fingerprint == wanted || fingerprint.Split(Between).Contains(wanted, StringComparer.Ordinal);

    /// <summary>A fingerprint for people: the first digits of each part.</summary>
    /// <param name="fingerprint">A fingerprint, or the part of one.</param>
    public static string Shortened(string fingerprint) => string.Join(
        Between, fingerprint.Split(Between).Select(part => part[..Math.Min(part.Length, part.IndexOf(Colon, StringComparison.Ordinal) + 1 + ShownDigits)]));

    private static string NameOf(ComputeType compute) => compute switch
    {
        ComputeType.Fp32 => "fp32" + Colon,
        ComputeType.Bf16 => "bf16" + Colon,
        _ => throw new ArgumentOutOfRangeException(nameof(compute), compute, "An unknown compute type."),
    };

    private static Task<BlobHash> ChunkAsync(FolderBlobStore store, CancellationToken cancellationToken)
    {
        TokenChunkBuilder builder = new(Vocabulary);
        int[] tokens = new int[DocumentTokens];
        for (int document = 0; document < Documents; document++)
        {
            for (int at = 0; at < tokens.Length; at++)
            {
                tokens[at] = ((at * 7) + (document * 31) + (at * at % 13)) % Vocabulary;
            }

            builder.Add((ulong)document, "numerics", Split.Train, tokens, DocumentTokens);
        }

        return store.PutAsync(builder.WriteToAsync, cancellationToken);
    }

    private static TrainSpec Training(ComputeType compute, BlobHash initial, BlobHash chunk) => new()
    {
        Model = new PathInput(Shape, compute, [new ModuleInput(ModuleId.Dense, [.. TransformerPart.All(Shape.Blocks)], initial)]),
        Shard = [chunk],
        Sequences = new SequenceInput(SequenceLength, PrefixTokens: 16, LossOnPrefix: true, MicroBatch: 4, LengthWindow: 4),
        BatchSequences = 8,
        FirstStep = 0,
        ScheduleStep = 0,
        Steps = 3,
        Schedule = new LearningRateSchedule(1e-3, 1, 3, 0.1),
        AdamW = new AdamWOptions(),
        Seed = 1,
        Order = 0,
    };
}
