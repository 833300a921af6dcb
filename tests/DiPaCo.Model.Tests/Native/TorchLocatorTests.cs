using DiPaCo.Core;
using DiPaCo.Model.Native;
using Xunit;

namespace DiPaCo.Model.Tests.Native;

public sealed class TorchLocatorTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("dipaco-locator-");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public void PublishedFolder_ComesBeforeTheBuildFolder()
    {
        string published = Folder("program/libtorch", NativeFiles.Core, NativeFiles.Bridge);
        string built = Folder("built", NativeFiles.Core, NativeFiles.Bridge);

        Assert.Equal(new TorchLocation(published, published), Locator(built, null).Find());
    }

    [Fact]
    public void UnpublishedProgram_UsesTheBuildFolder()
    {
        string built = Folder("built", NativeFiles.Core, NativeFiles.Bridge);

        Assert.Equal(new TorchLocation(built, built), Locator(built, null).Find());
    }

    [Theory]
    [InlineData("torch/lib", "torch/lib")]
    [InlineData("torch/lib", "torch")]
    [InlineData("torch/lib", "")]
    public void InstalledPyTorch_GivesLibTorch_AndTheProgramGivesTheRest(string lib, string named)
    {
        string bundled = Folder("program/libtorch", NativeFiles.Core, NativeFiles.Bridge);
        string installed = Folder("site-packages/" + lib, NativeFiles.Core);
        File.WriteAllText(Path.Combine(_root.FullName, "site-packages", "torch", "version.py"), "from typing import Optional\n__version__ = '2.10.0+cu128'\n");

        TorchLocation found = Locator(null, Path.Combine(_root.FullName, "site-packages", named)).Find();

        Assert.Equal(new TorchLocation(installed, bundled), found);
    }

    [Fact]
    public void EmptyFolderInTheVariable_IsAnErrorThatSaysWhatToDo()
    {
        Folder("program/libtorch", NativeFiles.Core, NativeFiles.Bridge);
        string empty = Folder("empty");

        var error = Assert.Throws<DiPaCoException>(() => Locator(null, empty).Find());

        Assert.Contains($"DIPACO_LIBTORCH is '{empty}', but there is no {NativeFiles.Core}", error.Message, StringComparison.Ordinal);
        Assert.Contains("PyTorch 2.10.x", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("version.py", "__version__ = '2.9.1+cpu'\n", "2.9.1+cpu")]
    [InlineData("version.py", "__version__: str = \"2.1.0\"\n", "2.1.0")]
    [InlineData("build-version", "2.11.0+cpu\n", "2.11.0+cpu")]
    public void OtherVersionInTheVariable_IsAnErrorThatNamesBoth(string file, string content, string version)
    {
        Folder("program/libtorch", NativeFiles.Core, NativeFiles.Bridge);
        string installed = Folder("torch/lib", NativeFiles.Core);
        File.WriteAllText(Path.Combine(_root.FullName, "torch", file), content);

        var error = Assert.Throws<DiPaCoException>(() => Locator(null, installed).Find());

        Assert.Contains($"which is PyTorch {version}; expected 2.10.x", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ProgramWithoutLibTorch_IsAnErrorThatNamesTheFoldersAndTheVariable()
    {
        string bare = Folder("program/libtorch", NativeFiles.Bridge);

        var error = Assert.Throws<DiPaCoException>(() => Locator(null, null).Find());

        Assert.Contains(bare, error.Message, StringComparison.Ordinal);
        Assert.Contains("DIPACO_LIBTORCH", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ProgramWithoutTorchSharpsLibrary_IsAnErrorEvenWithTheVariable()
    {
        string installed = Folder("torch/lib", NativeFiles.Core);

        var error = Assert.Throws<DiPaCoException>(() => Locator(null, installed).Find());

        Assert.Contains($"{NativeFiles.Bridge} is missing", error.Message, StringComparison.Ordinal);
    }

    private TorchLocator Locator(string? built, string? variable) => new()
    {
        FromEnvironment = variable,
        ProgramFolder = Path.Combine(_root.FullName, "program"),
        BuildFolder = built,
        Version = "2.10.0",
    };

    private string Folder(string name, params string[] files)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_root.FullName, name)).FullName;
        foreach (string file in files)
        {
            File.WriteAllText(Path.Combine(folder, file), "");
        }

        return folder;
    }
}
