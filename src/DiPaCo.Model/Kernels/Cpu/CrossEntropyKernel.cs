using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// loss = log Σ exp(logits) − logits[target], and logits ← (softmax − one-hot)·scale in place. A chunk is one row.
/// </summary>
internal unsafe struct CrossEntropyKernel<TElement> : IChunkKernel
    where TElement : IElement
{
    public void* Logits;
    public int* Targets;
    public float* Losses;
    public int Vocabulary;
    public float Scale;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        nint row = (nint)chunk;
        nint at = row * Vocabulary;
        void* logits = (byte*)Logits + (at * TElement.Size);
        int target = Targets[row];
        if (target < 0)
        {
            Losses[row] = 0;
            if (Scale != 0)
            {
                new Span<byte>(logits, Vocabulary * TElement.Size).Clear();
            }

            return;
        }

        float largest = Largest(logits);
        float sum = SumOfExponentials(logits, largest);
        Losses[row] = largest + MathF.Log(sum) - TElement.LoadOne(logits, target);
        if (Scale != 0)
        {
            float atTarget = TElement.LoadOne(logits, target);
            ToGradient(logits, largest, Scale / sum);
            TElement.StoreOne(logits, target, Scale * ((MathF.Exp(atTarget - largest) / sum) - 1));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly float Largest(void* logits)
    {
        Vector512<float> a = Vector512.Create(float.NegativeInfinity);
        Vector512<float> b = a;
        int whole = Vocabulary & ~31;
        for (int v = 0; v < whole; v += 32)
        {
            a = Vector512.MaxNative(a, TElement.Load(logits, v));
            b = Vector512.MaxNative(b, TElement.Load(logits, v + 16));
        }

        float largest = VectorMath.Max(Vector512.MaxNative(a, b));
        for (int v = whole; v < Vocabulary; v++)
        {
            largest = MathF.Max(largest, TElement.LoadOne(logits, v));
        }

        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly float SumOfExponentials(void* logits, float largest)
    {
        Vector512<float> shift = Vector512.Create(largest);
        Vector512<float> a = Vector512<float>.Zero;
        Vector512<float> b = Vector512<float>.Zero;
        int whole = Vocabulary & ~31;
        for (int v = 0; v < whole; v += 32)
        {
            a += VectorMath.Exp(TElement.Load(logits, v) - shift);
            b += VectorMath.Exp(TElement.Load(logits, v + 16) - shift);
        }

        float sum = VectorMath.Sum(a + b);
        for (int v = whole; v < Vocabulary; v++)
        {
            sum += MathF.Exp(TElement.LoadOne(logits, v) - largest);
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ToGradient(void* logits, float largest, float factor)
    {
        Vector512<float> shift = Vector512.Create(largest);
        Vector512<float> scale = Vector512.Create(factor);
        int whole = Vocabulary & ~15;
        for (int v = 0; v < whole; v += 16)
        {
            TElement.Store(logits, v, VectorMath.Exp(TElement.Load(logits, v) - shift) * scale);
        }

        for (int v = whole; v < Vocabulary; v++)
        {
            TElement.StoreOne(logits, v, MathF.Exp(TElement.LoadOne(logits, v) - largest) * factor);
        }
    }
}
