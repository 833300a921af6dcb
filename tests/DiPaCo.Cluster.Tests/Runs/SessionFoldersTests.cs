using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Runtime.Storage;
using Xunit;

namespace DiPaCo.Cluster.Tests.Runs;

public sealed class SessionFoldersTests
{
    [Fact]
    public void WhatKilledSessionsLeft_Goes_AndNothingElse()
    {
        using TemporaryFolder root = new();
        SessionFolders folders = new(root.Path);
        folders.RemoveBefore(50);
        foreach (string folder in new[] { folders.Of("left", 5), folders.Of("of-another-run", 7), folders.Of("later", 50), root.File("something-else"), root.File("8") })
        {
            Directory.CreateDirectory(Path.Combine(folder, "below"));
        }

        using (RunLock.Acquire(folders.Of("held", 6)))
        {
            folders.RemoveBefore(50);
        }

        Assert.Equal(["8", "held-6", "later-50", "something-else"], Directory.GetDirectories(root.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }
}
