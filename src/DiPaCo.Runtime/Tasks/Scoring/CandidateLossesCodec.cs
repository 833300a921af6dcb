using System.Collections.Immutable;
using System.Runtime.InteropServices;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model.SafeTensors;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Losses under candidates as blobs: a safetensors file with <c>candidates</c> [E, 3] (chunk, document, path) and their
/// <c>losses</c> [E].
/// </summary>
internal static class CandidateLossesCodec
{
    private const string FormatKey = "format";
    private const string FormatName = "dipaco.candidate-losses/1";
    private const string CandidatesName = "candidates";
    private const string LossesName = "losses";
    private const int Fields = 3;

    /// <summary>Writes losses.</summary>
    public static void Write(CandidateLosses losses, Stream destination)
    {
        int count = losses.All.Length;
        SafeTensorsWriter writer = new(
            destination,
            [new TensorSpec(CandidatesName, TensorDType.I32, count, Fields), new TensorSpec(LossesName, TensorDType.F32, count)],
            [new(FormatKey, FormatName)]);
        int[] candidates = new int[count * Fields];
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++)
        {
            CandidateLoss loss = losses.All[i];
            ReadOnlySpan<int> fields = [loss.Document.Chunk, loss.Document.Document, loss.Path.Value];
            fields.CopyTo(candidates.AsSpan(i * Fields));
            numbers[i] = loss.Loss;
        }

        writer.Append(MemoryMarshal.AsBytes<int>(candidates));
        writer.Append(MemoryMarshal.AsBytes<float>(numbers));
        writer.Complete();
    }

    /// <summary>Reads losses.</summary>
    /// <exception cref="DiPaCoException">The file is missing, damaged, too large, or holds something else.</exception>
    public static CandidateLosses Read(string file)
    {
        using SafeTensorsReader reader = SafeTensorsReader.Open(file);
        if (reader.Metadata.FirstOrDefault(pair => pair.Key == FormatKey).Value is var format && format != FormatName)
        {
            throw new SafeTensorsException(file, $"it is '{format}' where '{FormatName}' was expected");
        }

        TensorSpec spec = reader.Find(CandidatesName).Spec;
        long count = spec.Shape.Length == 2 ? spec.Shape[0] : -1;
        if (count is < 0 or > CandidateLosses.Most || !spec.HasLayoutOf(new TensorSpec(CandidatesName, TensorDType.I32, count, Fields)))
        {
            throw new SafeTensorsException(file, $"its tensor '{CandidatesName}' is {spec}; at most {CandidateLosses.Most} rows of {Fields} whole numbers were expected");
        }

        TensorSpec expected = new(LossesName, TensorDType.F32, count);
        if (!reader.Find(LossesName).Spec.HasLayoutOf(expected))
        {
            throw new SafeTensorsException(file, $"its tensor '{LossesName}' is {reader.Find(LossesName).Spec} where {expected} was expected");
        }

        int[] candidates = new int[count * Fields];
        float[] numbers = new float[count];
        reader.ReadInto<int>(CandidatesName, candidates);
        reader.ReadInto<float>(LossesName, numbers);
        ImmutableArray<CandidateLoss>.Builder losses = ImmutableArray.CreateBuilder<CandidateLoss>((int)count);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<int> fields = candidates.AsSpan(i * Fields, Fields);
            CandidateLoss loss = new(new DocumentId(fields[0], fields[1]), new PathId(fields[2]), numbers[i]);
            bool follows = i == 0 || (loss.Document, loss.Path).CompareTo((losses[^1].Document, losses[^1].Path)) > 0;
            if (!follows || fields.ContainsAnyInRange(int.MinValue, -1) || !float.IsFinite(loss.Loss))
            {
                throw new SafeTensorsException(file, $"its candidate {i} is {loss}; finite losses, ascending by document and path, were expected");
            }

            losses.Add(loss);
        }

        return new CandidateLosses(losses.MoveToImmutable());
    }

    /// <summary>Reads the losses of several branches.</summary>
    /// <exception cref="DiPaCoException">One of the files is missing, damaged, or too large.</exception>
    public static async Task<IReadOnlyList<CandidateLosses>> ReadAllAsync(ImmutableArray<BlobHash> blobs, IBlobStore store, CancellationToken cancellationToken)
    {
        List<CandidateLosses> parts = [];
        foreach (BlobHash blob in blobs)
        {
            parts.Add(Read(await store.GetFileAsync(blob, cancellationToken)));
        }

        return parts;
    }
}
