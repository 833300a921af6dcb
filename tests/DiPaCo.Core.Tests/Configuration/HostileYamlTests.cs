using CsCheck;
using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Core.Tests.Configuration;

public sealed class HostileYamlTests
{
    [Theory]
    [InlineData("name: &n x", "run.yaml:3:7: name: anchors (&name) are not allowed; write the value out.")]
    [InlineData("name: *n", "run.yaml:3:7: name: aliases (*name) are not allowed; write the value out.")]
    [InlineData("name: !!str x", "run.yaml:3:7: name: tags (!name) are not allowed; leave the tag out.")]
    [InlineData("<<: { seed: 2 }", "run.yaml:3:1: merge keys (<<) are not allowed; write the values out.")]
    [InlineData("--- \nseed: 2", "run.yaml:3:1: a second document begins here; expected one document, without '---' in between.")]
    [InlineData("name: a\0b", "run.yaml:3:8: the character U+0000 does not belong in a YAML file; remove it, or write it as an escape in double quotes.")]
    [InlineData("[1, 2]: 3", "run.yaml:1:1: a key is a list or a section itself; expected a plain word.")]
    public void WhatCanExpandOrSurprise_IsRefused(string text, string error) => Assert.Equal([error], Yaml.Errors(text));

    [Fact]
    public void BrokenYaml_NamesThePlace()
    {
        string error = Assert.Single(Yaml.Errors("name: [1, 2"));

        Assert.StartsWith("run.yaml:", error, StringComparison.Ordinal);
        Assert.Contains("this is not valid YAML", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("null")]
    [InlineData("recipe:\n")]
    public void AnEmptyFile_LacksOnlyItsData(string text) =>
        Assert.EndsWith("expected a file, folder or glob, a list of them, or the single word 'demo'.", Assert.Single(Yaml.ErrorsOf(text)), StringComparison.Ordinal);

    [Fact]
    public void DeepNesting_IsRefusedEarly() =>
        Assert.Contains("nested deeper than", Assert.Single(Yaml.ErrorsOf("name: " + new string('[', 100_000))), StringComparison.Ordinal);

    [Fact]
    public void AVeryLongText_IsRefusedBeforeItIsRead() =>
        Assert.Contains("no configuration has", Assert.Single(Yaml.ErrorsOf(new string('#', RunConfigLoader.MaxBytes + 1))), StringComparison.Ordinal);

    [Fact]
    public void ControlCharactersOfAValue_DoNotReachTheMessage() =>
        Assert.DoesNotContain(Assert.Single(Yaml.Errors("device: \"a\\e[31mb\"")), char.IsControl);

    [Fact]
    public void ManyErrors_AreCutInTheMessageOnly()
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(() => RunConfigLoader.Parse(
            "data: { paths: demo }\n" + string.Concat(Enumerable.Range(0, 200).Select(i => $"unknown{i}: 1\n")), "run.yaml"));

        Assert.Equal(200, exception.Errors.Length);
        Assert.EndsWith("… and 150 more.", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnyText_LoadsOrIsAConfigurationError()
    {
        string[] pieces =
        [
            "size", "tiny", "data", "paths", "demo", "topology", "levels", "experts", "blocks", "recipe", "phases", "1e9", "-1", "0.5", "null",
            ":", ": ", "\n", "\n  ", "\n- ", "{", "}", "[", "]", ", ", "#", "\"", "'", "&a ", "*a", "!t ", "|\n ", ">\n", "? ", "%", "\t",
            "---\n", "...\n", "\u0085", "\r",
        ];
        Gen<string> token = Gen.OneOf(Gen.Int[0, pieces.Length - 1].Select(i => pieces[i]), Gen.String[0, 3]);
        token.Array[0, 40].Select(string.Concat).Sample(
            text =>
            {
                try
                {
                    RunConfigLoader.Parse(text, "run.yaml");
                }
                catch (ConfigurationException exception)
                {
                    Assert.NotEmpty(exception.Errors);
                }
            },
            iter: 5_000,
            threads: 1);
    }
}
