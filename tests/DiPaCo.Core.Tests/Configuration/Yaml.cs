using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Core.Tests.Configuration;

/// <summary>Short ways to load a text, and to see everything that is wrong with one.</summary>
internal static class Yaml
{
    /// <summary>A configuration of the tiny size on the demo's data with <paramref name="rest"/> behind it.</summary>
    public static RunConfig Load(string rest) => RunConfigLoader.Parse("size: tiny\ndata: { paths: demo }\n" + rest, "run.yaml").Config;

    /// <summary>The errors of that configuration; <paramref name="rest"/> begins on line 3.</summary>
    public static string[] Errors(string rest) => ErrorsOf("size: tiny\ndata: { paths: demo }\n" + rest);

    /// <summary>The errors of a whole text.</summary>
    public static string[] ErrorsOf(string text) =>
        [.. Assert.Throws<ConfigurationException>(() => RunConfigLoader.Parse(text, "run.yaml")).Errors.Select(error => error.ToString())];
}
