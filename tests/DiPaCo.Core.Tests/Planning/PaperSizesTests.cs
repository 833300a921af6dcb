using DiPaCo.Core.Planning;
using Xunit;

namespace DiPaCo.Core.Tests.Planning;

/// <summary>Numbers of parameters in the paper (Table 4, section 4).</summary>
public sealed class PaperSizesTests
{
    [Fact]
    public void APath_Has150MillionParameters() => Near(149.8e6, 0.001, PlanOf.Example("paper-16x16.yaml").PathParameters);

    [Fact]
    public void TheDenseModelOfTable4_Has1_3BillionParameters() => Near(1.273e9, 0.001, PlanOf.Text(
        """
        size: paper
        transformer: { width: 2048, heads: 16, head_width: 128 }
        topology: { levels: [{ blocks: 24, experts: 1 }] }
        """).PathParameters);

    [Fact]
    public void The8x8Grid_Has1_2BillionParameters() => Near(1.2e9, 0.005, PlanOf.Example("paper-8x8.yaml").TotalParameters);

    [Fact]
    public void The8x8GridWithPrivateParts_Has5_3BillionParameters() => Near(5.3e9, 0.06, PlanOf.Text(
        """
        size: paper
        topology:
          levels:
            - { blocks: 6, experts: 8, private_blocks: [0, 5] }
            - { blocks: 6, experts: 8, private_blocks: [0, 5] }
        """).TotalParameters);

    [Fact]
    public void The16x16Grid_Has20BillionParameters()
    {
        RunPlan plan = PlanOf.Example("paper-16x16.yaml");

        Assert.Equal(256, plan.Paths.Length);
        Near(20e9, 0.06, plan.TotalParameters);
        Assert.Equal((24_000, 64_050), (plan.Steps.Base, plan.Steps.Path));
    }

    private static void Near(double expected, double tolerance, long actual) => Assert.InRange(actual, expected * (1 - tolerance), expected * (1 + tolerance));
}
