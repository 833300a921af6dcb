namespace DiPaCo.Build;

/// <summary>
/// Lets a library built by GCC 13 load beside an older libstdc++.
/// </summary>
/// <remarks>
/// GCC 13's &lt;iostream&gt; refers to <c>std::ios_base_library_init()</c> of GLIBCXX_3.4.32 from every file that includes
/// it, only so that linking fails against an older libstdc++; nothing calls it and no relocation uses it. The loader
/// refuses the whole library nevertheless, because the version is absent. Marking version and symbol as weak removes the
/// refusal. What the reference stands for, that the standard streams exist before they are used, libtorch itself sees
/// to: it is built by an older GCC, whose headers still initialize them.
/// </remarks>
internal static class LibStdCxxRepair
{
    /// <summary>The library that is too old.</summary>
    public const string Library = "libstdc++.so.6";

    /// <summary>The version that GCC 13 added.</summary>
    public const string Version = "GLIBCXX_3.4.32";

    /// <summary>The one symbol whose absence does no harm.</summary>
    public const string InitSymbol = "_ZSt21ios_base_library_initv";

    /// <summary>Changes <paramref name="file"/>, the bytes of a shared library, in place.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is damaged, or takes more from the version than <see cref="InitSymbol"/>: it would crash later instead.
    /// </exception>
    public static RepairOutcome Apply(byte[] file)
    {
        ElfVersionTables tables = new(file);
        VersionNeed? need = tables.FindNeed(Library, Version);
        if (need is null || need.IsWeak)
        {
            return RepairOutcome.NotNeeded;
        }

        IReadOnlyList<(int Index, string Name)> symbols = tables.SymbolsOf(need);
        string[] others = [.. symbols.Select(s => s.Name).Where(name => name != InitSymbol)];
        if (others.Length > 0)
        {
            throw new InvalidDataException(
                $"it takes {string.Join(", ", others.Take(3))} from {Version} of {Library}, which cannot be done without; " +
                "install the libstdc++ of GCC 13 or newer");
        }

        foreach ((int index, _) in symbols)
        {
            tables.MakeSymbolWeak(index);
        }

        tables.MakeWeak(need);
        return RepairOutcome.Repaired;
    }
}
