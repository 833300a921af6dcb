using DiPaCo.Model.Native;
using TorchSharp;
using Xunit;

namespace DiPaCo.Model.Tests.Native;

public sealed class TorchLibraryTests
{
    [Fact]
    public void Initialize_CalledAgain_ReturnsWhatIsLoaded() =>
        Assert.Same(TorchLibrary.Initialize(), TorchLibrary.Initialize());

    [Theory]
    [InlineData(torch.ScalarType.Float32, 1e-6)]
    [InlineData(torch.ScalarType.BFloat16, 1.0 / 256)]
    public void MatrixProduct_AgreesWithNaiveDoubleProduct(torch.ScalarType type, double relativeError)
    {
        const int m = 7, k = 33, n = 5;
        using torch.Generator generator = new(42, torch.CPU);
        using torch.Tensor a_MK = torch.randn([m, k], generator: generator).to(type);
        using torch.Tensor b_KN = torch.randn([k, n], generator: generator).to(type);

        using torch.Tensor product_MN = torch.mm(a_MK, b_KN).to(torch.ScalarType.Float64);

        double[] a = Doubles(a_MK), b = Doubles(b_KN), actual = Doubles(product_MN);
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double sum = 0, magnitude = 0;
                for (int l = 0; l < k; l++)
                {
                    double term = a[(i * k) + l] * b[(l * n) + j];
                    sum += term;
                    magnitude += Math.Abs(term);
                }

                Assert.InRange(actual[(i * n) + j] - sum, -relativeError * magnitude, relativeError * magnitude);
            }
        }
    }

    private static double[] Doubles(torch.Tensor tensor)
    {
        using torch.Tensor doubles = tensor.to(torch.ScalarType.Float64);
        return doubles.data<double>().ToArray();
    }
}
