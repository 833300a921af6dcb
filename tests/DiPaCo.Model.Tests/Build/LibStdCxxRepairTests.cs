using CsCheck;
using DiPaCo.Build;
using DiPaCo.Model.Native;
using Xunit;

namespace DiPaCo.Model.Tests.Build;

public sealed class LibStdCxxRepairTests
{
    private const byte GlobalFunction = 0x12, WeakFunction = 0x22;

    private static byte[] BuiltByGcc13() => new ElfFile()
        .Needs("libc.so.6", "GLIBC_2.34", 2)
        .Needs("libstdc++.so.6", "GLIBCXX_3.4.30", 3)
        .Needs("libstdc++.so.6", LibStdCxxRepair.Version, 4)
        .Symbol("malloc", 2)
        .Symbol(LibStdCxxRepair.InitSymbol, 4)
        .Symbol("_ZNSt6thread4joinEv", 3)
        .ToBytes();

    [Fact]
    public void FileOfGcc13_ChangesOnlyTheFlagsOfVersionAndSymbol()
    {
        byte[] before = BuiltByGcc13();
        byte[] after = [.. before];

        Assert.Equal(RepairOutcome.Repaired, LibStdCxxRepair.Apply(after));

        (byte Old, byte New)[] changes = [.. before.Zip(after).Where(pair => pair.First != pair.Second)];
        Assert.Equal([(GlobalFunction, WeakFunction), ((byte)0, (byte)2)], changes);
        ElfVersionTables tables = new(after);
        Assert.True(tables.FindNeed(LibStdCxxRepair.Library, LibStdCxxRepair.Version)!.IsWeak);
        Assert.False(tables.FindNeed(LibStdCxxRepair.Library, "GLIBCXX_3.4.30")!.IsWeak);
        Assert.False(tables.FindNeed("libc.so.6", "GLIBC_2.34")!.IsWeak);
    }

    [Fact]
    public void RepairedFile_IsLeftAlone()
    {
        byte[] repaired = BuiltByGcc13();
        LibStdCxxRepair.Apply(repaired);
        byte[] again = [.. repaired];

        Assert.Equal(RepairOutcome.NotNeeded, LibStdCxxRepair.Apply(again));
        Assert.Equal(repaired, again);
    }

    [Fact]
    public void FileOfGcc12_IsLeftAlone()
    {
        byte[] before = new ElfFile().Needs("libstdc++.so.6", "GLIBCXX_3.4.30", 2).Symbol("_ZNSt6thread4joinEv", 2).ToBytes();
        byte[] after = [.. before];

        Assert.Equal(RepairOutcome.NotNeeded, LibStdCxxRepair.Apply(after));
        Assert.Equal(before, after);
    }

    [Fact]
    public void FileThatReallyNeedsTheNewLibrary_IsRefusedByTheNameOfTheSymbol()
    {
        byte[] before = new ElfFile()
            .Needs("libstdc++.so.6", LibStdCxxRepair.Version, 2)
            .Symbol(LibStdCxxRepair.InitSymbol, 2)
            .Symbol("_ZSt8somethingv", 2)
            .ToBytes();
        byte[] after = [.. before];

        var error = Assert.Throws<InvalidDataException>(() => LibStdCxxRepair.Apply(after));

        Assert.Contains("_ZSt8somethingv", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, after);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MZ, which is a Windows library of at least sixty-four bytes in length")]
    public void FileOfAnotherFormat_IsRefused(string content) =>
        Assert.Throws<InvalidDataException>(() => LibStdCxxRepair.Apply(System.Text.Encoding.ASCII.GetBytes(content)));

    [Fact]
    public void DamagedFile_IsRepairedOrRefused_ButNeverReadOutside() =>
        Gen.Select(Gen.Select(Gen.Int[0, BuiltByGcc13().Length - 1], Gen.Byte).Array[1, 12], Gen.Int[0, BuiltByGcc13().Length])
            .Sample((changes, length) =>
            {
                byte[] file = BuiltByGcc13()[..length];
                foreach ((int at, byte value) in changes.Where(change => change.Item1 < length))
                {
                    file[at] = value;
                }

                try
                {
                    LibStdCxxRepair.Apply(file);
                }
                catch (InvalidDataException)
                {
                }

                return file.Length == length;
            });

    [Fact]
    public void LoadedLibraryOfTorchSharp_CanBeRepairedOnceAtMost()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has libstdc++");
        byte[] file = File.ReadAllBytes(Path.Combine(TorchLibrary.Initialize().BridgeFolder, NativeFiles.Bridge));

        LibStdCxxRepair.Apply(file);

        Assert.Equal(RepairOutcome.NotNeeded, LibStdCxxRepair.Apply(file));
    }

    /// <summary>Ubuntu 22.04 has glibc 2.35 and the libstdc++ of GCC 12; Debian 12 has glibc 2.36 and the same libstdc++.</summary>
    [Fact]
    public void LoadedLibraries_AskForNothingThatUbuntu2204Lacks()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has glibc");
        string folder = TorchLibrary.Initialize().BridgeFolder;
        string[] files = [.. new[] { NativeFiles.Bridge, "libtorch_cpu.so", "libc10.so" }.Select(name => Path.Combine(folder, name)).Where(File.Exists)];
        Assert.NotEmpty(files);
        List<string> missing = [];
        foreach (string file in files)
        {
            byte[] bytes = File.ReadAllBytes(file);
            LibStdCxxRepair.Apply(bytes);
            ElfVersionTables tables = new(bytes);
            missing.AddRange(NewerThanUbuntu2204.Where(need => tables.FindNeed(need.Library, need.Version) is { IsWeak: false })
                .Select(need => $"{Path.GetFileName(file)} needs {need.Version} of {need.Library}"));
        }

        Assert.Empty(missing);
    }

    private static IEnumerable<(string Library, string Version)> NewerThanUbuntu2204 =>
    [
        .. Enumerable.Range(36, 14).SelectMany(minor => LibrariesOfGlibc.Select(library => (library, $"GLIBC_2.{minor}"))),
        .. Enumerable.Range(31, 14).Select(patch => (LibStdCxxRepair.Library, $"GLIBCXX_3.4.{patch}")),
        .. Enumerable.Range(14, 10).Select(patch => (LibStdCxxRepair.Library, $"CXXABI_1.3.{patch}")),
    ];

    private static readonly string[] LibrariesOfGlibc = ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "ld-linux-x86-64.so.2"];
}
