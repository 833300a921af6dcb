using DiPaCo.Core.Configuration;
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

    /// <summary>What the paper did to its largest model (sections 4.3 and 7.2), beside its size.</summary>
    [Fact]
    public void The16x16Grid_IsTrainedAndEvaluatedAsThePaperSays()
    {
        RunConfig config = RunConfigLoader.Load(Repository.Example("paper-16x16.yaml")).Config;

        Assert.Equal((RoutingMethod.KMeans, FeatureScaling.None, 2), (config.Routing.Method, config.Routing.Scaling, config.Routing.Overlap));
        Assert.Single(config.Discriminative.AfterPhases);
        Assert.Equal((DiscriminativePrior.None, BiasCalibration.Labels), (config.Discriminative.Prior, config.Discriminative.Calibration));
        Assert.Equal((true, 0.0), (config.Recipe.EarlyStopping, config.Recipe.EarlyStoppingMargin));
        Assert.Equal((0.7, 0.9, OuterRescaling.SquareRoot, true), (config.Outer.LearningRate, config.Outer.Momentum, config.Outer.Rescaling, config.Outer.PrivateModules));
        Assert.Equal(OuterWeights.ShardSize, config.Outer.Weights);
        Assert.Equal([128, 64, 32, 16], config.Evaluation.RerouteWindows);
        Assert.Equal((ReroutingRouter.Token, 2000), (config.Evaluation.RerouteRouter, config.Evaluation.TokenRouterSteps));

        // A matrix of losses has a prefix and a cell for each document and path of a round, or a cell of 16 tokens in the evaluation.
        const double mostNumbers = 1 << 28;
        Assert.InRange(2.0 * config.Discriminative.MaxDocuments * 256, 1, mostNumbers);
        Assert.InRange((1 + (config.Transformer.SequenceLength / 16.0)) * config.Evaluation.MaxDocuments * 256, 1, mostNumbers);
    }

    [Fact]
    public void The32x32x32Grid_Has32768Paths_OfWhichAPhaseTrainsAFew_AndNoMoreModulesThanExperts()
    {
        RunPlan plan = PlanOf.Example("paper-32x32x32.yaml");

        Assert.Equal(32 * 32 * 32, plan.Paths.Length);
        Assert.Equal(3 * 32, plan.Modules.Length);
        Assert.All(plan.Modules, module => Assert.Equal(32 * 32, module.Paths));
        Near(32 * 149.8e6, 0.001, plan.TotalParameters);

        // Eight turns of 150 steps each.
        Assert.Equal(8 * 150, plan.Steps.Path);
    }

    private static void Near(double expected, double tolerance, long actual) => Assert.InRange(actual, expected * (1 - tolerance), expected * (1 + tolerance));
}
