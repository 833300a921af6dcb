using System.Runtime.Intrinsics;
using CsCheck;
using DiPaCo.Model.Kernels.Cpu;
using TorchSharp;
using Xunit;

namespace DiPaCo.Model.Tests.Kernels;

public sealed unsafe class ElementTests
{
    [Fact]
    public void Bf16_RoundsAsLibtorchDoes() => Gen.Float.Array[16].Sample(values =>
    {
        ushort* stored = stackalloc ushort[16];
        BFloat16Element.Store(stored, 0, Vector512.Create<float>(values));
        float[] loaded = new float[16];
        BFloat16Element.Load(stored, 0).CopyTo(loaded);

        using torch.Tensor rounded = torch.tensor(values).to(torch.ScalarType.BFloat16).to(torch.ScalarType.Float32);
        Assert.Equal(rounded.data<float>().ToArray(), loaded);
        for (int i = 0; i < 16; i++)
        {
            ushort one;
            BFloat16Element.StoreOne(&one, 0, values[i]);
            Assert.Equal(loaded[i], BFloat16Element.LoadOne(&one, 0));
        }
    }, iter: 2000, threads: 1);

    [Fact]
    public void Exp_IsWithinAFewUnitsOfTheLastPlace() => Gen.Double[-87, 88].Array[16].Sample(values =>
    {
        Vector512<float> x = Vector512.Create<float>([.. values.Select(value => (float)value)]);
        Vector512<float> y = VectorMath.Exp(x);
        for (int i = 0; i < 16; i++)
        {
            double expected = Math.Exp(x[i]);
            Assert.InRange(y[i], expected * (1 - 3e-7), expected * (1 + 3e-7));
        }
    }, iter: 2000, threads: 1);

    [Fact]
    public void Sigmoid_IsWithinAFewUnitsOfTheLastPlace() => Gen.Double[-79, 100].Array[16].Sample(values =>
    {
        Vector512<float> x = Vector512.Create<float>([.. values.Select(value => (float)value)]);
        Vector512<float> y = VectorMath.Sigmoid(x);
        for (int i = 0; i < 16; i++)
        {
            double expected = 1 / (1 + Math.Exp(-x[i]));
            Assert.InRange(y[i], expected * (1 - 5e-7), expected * (1 + 5e-7));
        }
    }, iter: 2000, threads: 1);

    [Fact]
    public void Sigmoid_AtTheEnds_IsZeroOneOrNaN()
    {
        Assert.True(float.IsNaN(VectorMath.Sigmoid(Vector512.Create(float.NaN))[5]));
        Assert.InRange(VectorMath.Sigmoid(Vector512.Create(float.NegativeInfinity))[0], 0, 1e-34f);
        Assert.Equal(1, VectorMath.Sigmoid(Vector512.Create(float.PositiveInfinity))[0]);
    }

    [Fact]
    public void Exp_OfNaNIsNaN_AndOfVeryNegativeNumbersNearlyZero()
    {
        Assert.True(float.IsNaN(VectorMath.Exp(Vector512.Create(float.NaN))[0]));
        Assert.InRange(VectorMath.Exp(Vector512.Create(float.NegativeInfinity))[3], 0, 2e-38f);
    }
}
