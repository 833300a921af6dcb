using System.Text.Json;
using DiPaCo.Cli.Tests.Support;
using Xunit;

namespace DiPaCo.Cli.Tests;

/// <summary>Which libtorch a build takes, as MSBuild evaluates the project: nothing is restored, downloaded or built.</summary>
public sealed class TorchBackendTests
{
    [Theory]
    [InlineData("cpu", "linux-x64", "libtorch-cpu-linux-x64")]
    [InlineData("cuda", "linux-x64", "libtorch-cuda-12.8-linux-x64")]
    [InlineData("cuda", "win-x64", "libtorch-cuda-12.8-win-x64")]
    [InlineData("external", "linux-x64", null)]
    public async Task BackendDecidesWhichPackageIsReferenced_AndEachHasAVersion(string backend, string rid, string? package)
    {
        ProgramResult evaluated = await Programs.RunAsync(
            "dotnet", Repository.Root, "msbuild", "src/DiPaCo.Model/DiPaCo.Model.csproj", $"-p:TorchBackend={backend}", $"-p:TorchRid={rid}",
            "-getItem:PackageReference", "-getItem:PackageVersion");

        Assert.True(evaluated.ExitCode == 0, evaluated.Standard + evaluated.Error);
        using JsonDocument json = JsonDocument.Parse(evaluated.Standard);
        JsonElement items = json.RootElement.GetProperty("Items");
        Assert.Equal(package is null ? [] : [package], Names(items, "PackageReference").Where(name => name.StartsWith("libtorch-", StringComparison.Ordinal)));
        Assert.True(package is null || Names(items, "PackageVersion").Contains(package), $"Directory.Packages.props has no version of {package}.");
    }

    private static IEnumerable<string> Names(JsonElement items, string kind) =>
        items.GetProperty(kind).EnumerateArray().Select(item => item.GetProperty("Identity").GetString()!);
}
