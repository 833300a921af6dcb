using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Model.SafeTensors;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;
using DiPaCo.Training.Codecs;

namespace DiPaCo.Cluster;

/// <summary>
/// Looks at what a task brings before it counts: outputs and metrics as tasks of its kind have them (<see cref="ResultForm"/>); and of one that trains a path, steps
/// a module or folds contributions, the right shapes, all numbers finite, and how far a path has moved each module. Reads piece by piece, so that memory is some pieces whatever the size of a path.
/// </summary>
/// <param name="store">Where the blobs are; null: nothing is looked at.</param>
internal sealed class ResultGuard(IBlobStore? store)
{
    private const int PieceElements = 1 << 15;

    /// <summary>Looks at a result.</summary>
    /// <param name="spec">The task.</param>
    /// <param name="outputs">Its blobs by name.</param>
    /// <param name="metrics">Its metrics.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    public async Task<GuardFinding> LookAsync(
        TaskSpec spec, ImmutableSortedDictionary<string, BlobHash> outputs, string metrics, CancellationToken cancellationToken)
    {
        if (store is null)
        {
            return GuardFinding.Nothing;
        }

        if (ResultForm.ObjectionTo(spec, outputs.Keys, metrics) is { } objection)
        {
            return GuardFinding.Nothing with { Invalid = objection };
        }

        List<ModuleNorm> norms = [];
        (string Output, Func<string, Task> Check)[] checks = spec switch
        {
            TrainSpec train => ChecksOf(store, train, norms, cancellationToken),
            OuterSpec outer => ChecksOf(outer, cancellationToken),
            FoldSpec fold => ChecksOf(fold, cancellationToken),
            _ => [],
        };
        string output = "";
        try
        {
            foreach ((string name, Func<string, Task> check) in checks)
            {
                output = name;
                await check(await FileAsync(store, outputs[name], cancellationToken));
            }

            foreach ((string name, BlobHash blob) in outputs.RemoveRange(checks.Select(check => check.Output)))
            {
                if (!await store.ExistsAsync(blob, cancellationToken))
                {
                    return GuardFinding.Nothing with { Unreadable = $"Output '{name}' is not in the store." };
                }
            }

            return GuardFinding.Nothing with { Norms = [.. norms] };
        }
        catch (SafeTensorsException exception)
        {
            return GuardFinding.Nothing with { Invalid = $"Output '{output}': {exception.Reason}." };
        }
        catch (DeltaFormatException exception)
        {
            return GuardFinding.Nothing with { Invalid = $"Output '{output}': {exception.Reason}." };
        }
        catch (DiPaCoException exception)
        {
            return GuardFinding.Nothing with { Unreadable = $"Output '{output}' cannot be looked at: {exception.Message}" };
        }
    }

    /// <summary>A blob that the disk has damaged is removed, so that the next worker's copy of it is stored.</summary>
    private static async Task<string> FileAsync(IBlobStore store, BlobHash blob, CancellationToken cancellationToken)
    {
        try
        {
            return await store.GetFileAsync(blob, cancellationToken);
        }
        catch (DamagedBlobException)
        {
            await store.DeleteAsync(blob, cancellationToken);
            throw;
        }
    }

    private static (string Output, Func<string, Task> Check)[] ChecksOf(IBlobStore store, TrainSpec spec, List<ModuleNorm> norms, CancellationToken cancellationToken)
    {
        return
        [
            .. spec.Model.Modules.Select(module => (module.Id.Name, (Func<string, Task>)(file => MeasureAsync(module, file)))),
            (TrainSpec.OptimizerOutput, file => Checked(() => CheckMoments(spec, file, cancellationToken))),
        ];

        async Task MeasureAsync(ModuleInput module, string end)
        {
            string start = await store.GetFileAsync(module.Blob, cancellationToken);
            ModuleLayout layout = ModuleLayout.Of(spec.Model.Shape, module.Parts);
            double norm = spec.Codec?.Modules.Contains(module.Id) == true
                ? NormOf(layout, end, cancellationToken)
                : NormOf(layout, start, end, cancellationToken);
            norms.Add(new ModuleNorm(module.Id, module.Blob, norm));
        }
    }

    private static (string Output, Func<string, Task> Check)[] ChecksOf(OuterSpec spec, CancellationToken cancellationToken)
    {
        ModuleLayout layout = ModuleLayout.Of(spec.Shape, spec.Module.Parts);
        List<(string, Func<string, Task>)> checks =
        [
            (OuterSpec.ModuleOutput, file => Checked(() => CheckModule(layout, file, mayBeRounded: false, cancellationToken))),
            (OuterSpec.MomentumOutput, file => Checked(() => CheckModule(layout, file, mayBeRounded: false, cancellationToken))),
        ];
        if (spec.Download != DownloadCodec.Fp32)
        {
            checks.Add((OuterSpec.PublishedOutput, file => Checked(() => CheckModule(layout, file, spec.Download == DownloadCodec.Bf16, cancellationToken))));
        }

        if (spec.Download.IsDelta())
        {
            checks.Add((OuterSpec.PublishedDeltaOutput, file => Checked(() => NormOf(layout, file, cancellationToken))));
        }

        return [.. checks];
    }

    private static (string Output, Func<string, Task> Check)[] ChecksOf(FoldSpec spec, CancellationToken cancellationToken) =>
        [(FoldSpec.SumsOutput, file => Checked(() => CheckSums(spec, file, cancellationToken)))];

    private static Task Checked(Action check)
    {
        check();
        return Task.CompletedTask;
    }

    private static void CheckModule(ModuleLayout layout, string file, bool mayBeRounded, CancellationToken cancellationToken)
    {
        ThrowUnlessOnly(file, layout.Tensors.Length);
        using ModulePieces pieces = new(file, layout, mayBeRounded);
        float[] piece = new float[PieceElements];
        for (long first = 0; first < layout.Length; first += PieceElements)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Span<float> values = piece.AsSpan(0, (int)Math.Min(PieceElements, layout.Length - first));
            pieces.Read(first, values);
            ThrowUnlessFinite(file, values);
        }
    }

    /// <summary>Sums are finite if they can be read.</summary>
    private static void CheckSums(FoldSpec spec, string file, CancellationToken cancellationToken)
    {
        ModuleLayout layout = ModuleLayout.Of(spec.Shape, spec.Module.Parts);
        using SumsFile sums = new(file, layout, [.. spec.Before?.Weights ?? [], .. spec.Contributions.Select(contribution => contribution.Weight)]);
        double[] piece = new double[PieceElements];
        for (long first = 0; first < layout.Length; first += PieceElements)
        {
            cancellationToken.ThrowIfCancellationRequested();
            sums.Read(first, piece.AsSpan(0, (int)Math.Min(PieceElements, layout.Length - first)));
        }
    }

    private static double NormOf(ModuleLayout layout, string start, string end, CancellationToken cancellationToken)
    {
        ThrowUnlessOnly(end, layout.Tensors.Length);
        using ModulePieces before = new(start, layout, mayBeRounded: true);
        using ModulePieces after = new(end, layout);
        float[] theta = new float[PieceElements], own = new float[PieceElements];
        double squares = 0;
        for (long first = 0; first < layout.Length; first += PieceElements)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = (int)Math.Min(PieceElements, layout.Length - first);
            before.Read(first, theta.AsSpan(0, count));
            after.Read(first, own.AsSpan(0, count));
            ThrowUnlessFinite(end, own.AsSpan(0, count));
            squares += new OuterStep(count).Fold(theta.AsSpan(0, count), own.AsSpan(0, count), weight: 0);
        }

        return Math.Sqrt(squares);
    }

    /// <summary>Of an encoded delta, whose values are finite if they can be read.</summary>
    private static double NormOf(ModuleLayout layout, string delta, CancellationToken cancellationToken)
    {
        using DeltaReader reader = new(File.OpenRead(delta), layout.Length);
        float[] piece = new float[PieceElements];
        double squares = 0;
        for (long first = 0; first < layout.Length; first += PieceElements)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Span<float> values = piece.AsSpan(0, (int)Math.Min(PieceElements, layout.Length - first));
            reader.Read(values);
            squares += TensorPrimitives.SumOfSquares(values);
        }

        return Math.Sqrt(squares);
    }

    private static void CheckMoments(TrainSpec spec, string file, CancellationToken cancellationToken)
    {
        ImmutableArray<ModuleId> encoded = spec.Codec?.Modules ?? [];
        ThrowUnlessOnly(file, (2 * spec.Model.Modules.Length) + encoded.Length);
        using SafeTensorsReader reader = SafeTensorsReader.Open(file);
        foreach (ModuleInput module in spec.Model.Modules)
        {
            long length = ModuleLayout.Of(spec.Model.Shape, module.Parts).Length;
            foreach (int moment in new[] { 1, 2 })
            {
                Check(string.Create(CultureInfo.InvariantCulture, $"{module.Id.Name}.moment{moment}"), length);
            }

            if (encoded.Contains(module.Id))
            {
                Check(DeltaEncoder.NameOf(module.Id), length);
            }
        }

        void Check(string name, long length)
        {
            TensorSpec tensor = new(name, TensorDType.F32, length);
            float[] piece = new float[PieceElements];
            for (long first = 0; first < length; first += PieceElements)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Span<float> values = piece.AsSpan(0, (int)Math.Min(PieceElements, length - first));
                reader.ReadPart(tensor, first, values);
                ThrowUnlessFinite(file, values);
            }
        }
    }

    private static void ThrowUnlessOnly(string file, int tensors)
    {
        using SafeTensorsReader reader = SafeTensorsReader.Open(file);
        if (reader.Tensors.Count != tensors)
        {
            throw new SafeTensorsException(file, string.Create(CultureInfo.InvariantCulture, $"it has {reader.Tensors.Count} tensors, expected {tensors}"));
        }
    }

    /// <summary>x − x is 0 for every finite x and for no other.</summary>
    private static void ThrowUnlessFinite(string file, ReadOnlySpan<float> values)
    {
        bool finite = true;
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        foreach (Vector<float> vector in vectors)
        {
            finite &= Vector.EqualsAll(vector - vector, Vector<float>.Zero);
        }

        foreach (float value in values[(vectors.Length * Vector<float>.Count)..])
        {
            finite &= float.IsFinite(value);
        }

        if (!finite)
        {
            throw new SafeTensorsException(file, "a value is not finite");
        }
    }
}
