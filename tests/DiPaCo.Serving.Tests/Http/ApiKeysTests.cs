using DiPaCo.Core;
using DiPaCo.Serving.Http;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

public sealed class ApiKeysTests(TrainedRun run)
{
    [Fact]
    public void EmptyLinesAndSpacesAroundKeysDoNotMatter()
    {
        string file = run.NewPath();
        string alice = ApiKeys.Create(file, "alice");
        File.WriteAllText(file, $"\n  {File.ReadAllText(file).Trim()} \r\n\n");
        string bob = ApiKeys.Create(file, "bob");
        ApiKeys keys = ApiKeys.Read(file);
        Assert.Equal(2, keys.Count);
        Assert.True(keys.Contains(alice) && keys.Contains(bob));
        Assert.False(keys.Contains(alice + " "));
    }

    [Theory]
    [InlineData("alice", 3)]
    [InlineData("alice  0123", 3)]
    [InlineData("alice 00112233445566778899aabbccddeeff00112233445566778899aabbccddeef", 3)]
    [InlineData("alice of 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 3)]
    [InlineData("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 3)]
    public void ABadLineIsNamedByItsNumberAndNothingIsAddedToSuchAFile(string bad, int line)
    {
        string file = run.NewPath();
        ApiKeys.Create(file, "first");
        File.AppendAllText(file, $"\n{bad}\n");
        string before = File.ReadAllText(file);
        foreach (DiPaCoException refused in (DiPaCoException[])[Assert.Throws<DiPaCoException>(() => ApiKeys.Read(file)), Assert.Throws<DiPaCoException>(() => ApiKeys.Create(file, "second"))])
        {
            Assert.StartsWith($"Line {line} of '{file}'", refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("00112233", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(before, File.ReadAllText(file));
    }

    [Fact]
    public void AFileWithoutKeysOrThatIsMissingIsSaidInWords()
    {
        string file = run.NewPath();
        Assert.Contains("does not exist", Assert.ThrowsAny<DiPaCoException>(() => ApiKeys.Read(file)).Message, StringComparison.Ordinal);
        File.WriteAllText(file, "\n\n");
        Assert.Contains("has no key. Make one with 'dipaco serve --new-key", Assert.Throws<DiPaCoException>(() => ApiKeys.Read(file)).Message, StringComparison.Ordinal);
        File.WriteAllText(file, new string('x', (1 << 20) + 1));
        Assert.Contains("too long", Assert.Throws<DiPaCoException>(() => ApiKeys.Read(file)).Message, StringComparison.Ordinal);
        Assert.Contains("no name for a key", Assert.Throws<DiPaCoException>(() => ApiKeys.Create(file, "a b")).Message, StringComparison.Ordinal);
    }
}
