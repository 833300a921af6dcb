using CsCheck;
using DiPaCo.Core.Tests.Topology;
using Xunit;

namespace DiPaCo.Core.Tests.Transformer;

public sealed class ModuleLayoutTests
{
    [Fact]
    public void Tensors_AreAligned_Disjoint_AndMatricesComeFirst() =>
        Gen.Select(Topologies.Any, Gen.Bool, Gen.Enum<Activation>()).Sample((options, tied, activation) =>
        {
            TransformerShape shape = Topologies.Shape(options.Levels.Sum(level => level.Blocks), tied, activation);

            foreach (ModuleLayout layout in ModelTopology.Create(options, shape).Modules.Select(module => module.Layout))
            {
                long end = 0;
                foreach (NamedTensor tensor in layout.Tensors)
                {
                    Assert.Equal(0, tensor.Offset % ModuleLayout.Alignment);
                    Assert.InRange(tensor.Offset, end, end + ModuleLayout.Alignment - 1);
                    Assert.Equal(tensor.IsMatrix, tensor.Offset < layout.DecayLength);
                    end = tensor.Offset + tensor.Length;
                }

                Assert.InRange(layout.Length, end, end + ModuleLayout.Alignment - 1);
                Assert.Equal(0, layout.Length % ModuleLayout.Alignment);
                Assert.Equal(layout.Tensors.Select(tensor => tensor.Name).Distinct().Count(), layout.Tensors.Length);
            }
        });

    [Fact]
    public void TensorsWhoseLengthIsNoMultipleOfTheAlignment_ArePadded()
    {
        ModuleLayout layout = ModuleLayout.Of(Topologies.Shape(1) with { Width = 20 }, [TransformerPart.OfBlock(0), TransformerPart.Head]);

        // 40×20, 20×24, 192×20 and 20×96 elements, then three gains of 20; each starts at a multiple of 32.
        Assert.Equal([0, 800, 1_280, 5_120, 7_040, 7_072, 7_104], layout.Tensors.Select(tensor => tensor.Offset));
        Assert.Equal((7_040, 7_136, 7_100), (layout.DecayLength, layout.Length, layout.Parameters));
    }

    [Fact]
    public void ABlock_HasTheTensorsOfTheLlamaLayout_WithFusedProjections()
    {
        ModuleLayout layout = ModuleLayout.Of(Topologies.Shape(1), [TransformerPart.OfBlock(0)]);

        Assert.Equal(
            [
                "model.layers.0.self_attn.qkv_proj.weight 40x32", "model.layers.0.self_attn.o_proj.weight 32x24",
                "model.layers.0.mlp.gate_up_proj.weight 192x32", "model.layers.0.mlp.down_proj.weight 32x96",
                "model.layers.0.input_layernorm.weight 32", "model.layers.0.post_attention_layernorm.weight 32",
            ],
            layout.Tensors.Select(tensor => $"{tensor.Name} {string.Join('x', tensor.Shape)}"));
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 300 * 32)]
    public void ATiedModel_HasNoOutputMatrixOfItsOwn(bool tied, long matrix)
    {
        ModuleLayout head = ModuleLayout.Of(Topologies.Shape(1, tied), [TransformerPart.Head]);

        Assert.Equal(matrix, head.DecayLength);
        Assert.Equal(matrix + 32, head.Parameters);
    }
}
