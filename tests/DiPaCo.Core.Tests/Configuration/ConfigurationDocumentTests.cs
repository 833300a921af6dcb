using System.Globalization;
using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Core.Tests.Configuration;

/// <summary>docs/configuration.md shows what the program has.</summary>
public sealed class ConfigurationDocumentTests
{
    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "configuration.md"));

    [Fact]
    public void ItsKeysAreThoseThatInitWrites()
    {
        string[] written = ConfigTemplate.Write(ModelSize.Small, ["path/to/text"], "my").TrimEnd('\n').Split('\n');
        Assert.Equal(written, Lines.SkipWhile(line => line != "```yaml").Skip(1).TakeWhile(line => line != "```"));
    }

    [Theory]
    [InlineData("`tokenizer.vocabulary`", "Vocabulary")]
    [InlineData("`transformer.width`", "Width")]
    [InlineData("`transformer.sequence_length`", "SequenceLength")]
    [InlineData("blocks of a path, in two levels", "Blocks")]
    [InlineData("experts of each level", "Experts")]
    [InlineData("`recipe.base_steps`", "BaseSteps")]
    [InlineData("`recipe.phases`", "Phases")]
    [InlineData("`recipe.inner_steps` (τ)", "InnerSteps")]
    [InlineData("`recipe.batch_sequences`", "BatchSequences")]
    [InlineData("`inner.base_learning_rate`", "BaseLearningRate")]
    [InlineData("`inner.learning_rate`", "LearningRate")]
    public void ItsSizesAreThoseOfTheDial(string row, string property)
    {
        string line = Lines.Single(line => line.StartsWith($"| {row} |", StringComparison.Ordinal));
        IEnumerable<double> shown = line.Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[1..]
            .Select(cell => double.Parse(cell, NumberStyles.Float | NumberStyles.AllowThousands, CultureInfo.InvariantCulture));
        Assert.Equal(
            Enum.GetValues<ModelSize>().Select(size => Convert.ToDouble(typeof(SizeTable).GetProperty(property)!.GetValue(new SizeTable(size)), CultureInfo.InvariantCulture)),
            shown);
    }
}
