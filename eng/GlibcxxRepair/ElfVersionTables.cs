using System.Buffers.Binary;
using System.Text;

namespace DiPaCo.Build;

/// <summary>
/// The dynamic symbols of a 64-bit little-endian ELF file and the library versions that they ask for
/// (sections <c>.dynsym</c>, <c>.gnu.version</c> and <c>.gnu.version_r</c>, found by type, not by name).
/// Numbers from the file are used unchecked, but every access goes through <see cref="At"/>, which refuses what lies
/// outside the file: a damaged one is an <see cref="InvalidDataException"/>.
/// </summary>
internal sealed class ElfVersionTables
{
    private const int SectionHeaderSize = 64;
    private const int SymbolSize = 24;
    private const uint DynamicSymbols = 11;
    private const uint VersionOfSymbols = 0x6fffffff;
    private const uint VersionsNeeded = 0x6ffffffe;
    private const byte BindWeak = 2;
    private const ushort FlagWeak = 2;

    private readonly byte[] _file;
    private readonly Section _symbols;
    private readonly Section _names;
    private readonly Section _versionOfSymbols;
    private readonly Section? _versionsNeeded;

    /// <summary>Finds the tables in <paramref name="file"/>, which is kept and changed in place.</summary>
    /// <exception cref="InvalidDataException">The file is not a 64-bit little-endian ELF file, or its tables are damaged.</exception>
    public ElfVersionTables(byte[] file)
    {
        _file = file;
        if (file.Length < 64 || !file.AsSpan(0, 6).SequenceEqual<byte>([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1]))
        {
            throw new InvalidDataException("not a 64-bit little-endian ELF file");
        }

        List<Section> sections = ReadSections();
        _symbols = sections.Find(s => s.Type == DynamicSymbols)
            ?? throw new InvalidDataException("no dynamic symbol table; is this a shared library?");
        _names = Linked(sections, _symbols);
        _versionOfSymbols = sections.Find(s => s.Type == VersionOfSymbols)
            ?? throw new InvalidDataException("no table of symbol versions");
        _versionsNeeded = sections.Find(s => s.Type == VersionsNeeded);
        if (_versionOfSymbols.Size / 2 < _symbols.Size / SymbolSize)
        {
            throw new InvalidDataException("the table of symbol versions is shorter than the symbol table");
        }

        if (_versionsNeeded is not null && Linked(sections, _versionsNeeded) != _names)
        {
            throw new InvalidDataException("versions and symbols do not share one string table");
        }
    }

    /// <summary>Where <paramref name="version"/> of <paramref name="library"/> is asked for; null if it is not.</summary>
    public VersionNeed? FindNeed(string library, string version)
    {
        if (_versionsNeeded is null)
        {
            return null;
        }

        // Both lists are chains of relative offsets; one that does not move forward would never end.
        long file = _versionsNeeded.Offset;
        while (true)
        {
            bool isLibrary = Name(UInt32(file + 4)) == library;
            int count = UInt16(file + 2);
            long entry = file + UInt32(file + 8);
            for (int i = 0; i < count; i++)
            {
                if (isLibrary && Name(UInt32(entry + 8)) == version)
                {
                    return new VersionNeed(entry + 4, UInt16(entry + 6), (UInt16(entry + 4) & FlagWeak) != 0);
                }

                entry += UInt32(entry + 12);
            }

            uint next = UInt32(file + 12);
            if (next == 0)
            {
                return null;
            }

            file += next;
        }
    }

    /// <summary>The dynamic symbols, by number and name, that are bound to <paramref name="need"/>.</summary>
    public IReadOnlyList<(int Index, string Name)> SymbolsOf(VersionNeed need)
    {
        List<(int, string)> found = [];
        for (int i = 0; i < _symbols.Size / SymbolSize; i++)
        {
            // The topmost bit only says "hidden".
            if ((UInt16(_versionOfSymbols.Offset + (2L * i)) & 0x7fff) == need.Index)
            {
                found.Add((i, Name(UInt32(_symbols.Offset + ((long)SymbolSize * i)))));
            }
        }

        return found;
    }

    /// <summary>Lets the loader go on when the library lacks this version.</summary>
    public void MakeWeak(VersionNeed need) =>
        BinaryPrimitives.WriteUInt16LittleEndian(At(need.FlagsOffset, 2), (ushort)(UInt16(need.FlagsOffset) | FlagWeak));

    /// <summary>Lets the loader go on when nothing defines this symbol.</summary>
    public void MakeSymbolWeak(int index)
    {
        Span<byte> info = At(_symbols.Offset + ((long)SymbolSize * index) + 4, 1);
        info[0] = (byte)((BindWeak << 4) | (info[0] & 0xf));
    }

    private List<Section> ReadSections()
    {
        long table = (long)UInt64(0x28);
        int entrySize = UInt16(0x3a);
        int count = UInt16(0x3c);
        if (count > 0 && entrySize < SectionHeaderSize)
        {
            throw new InvalidDataException($"section headers of {entrySize} bytes; expected at least {SectionHeaderSize}");
        }

        List<Section> sections = new(count);
        for (int i = 0; i < count; i++)
        {
            long header = table + ((long)entrySize * i);
            sections.Add(new Section(
                UInt32(header + 4), (long)UInt64(header + 24), (long)UInt64(header + 32), (int)UInt32(header + 40)));
        }

        return sections;
    }

    private static Section Linked(List<Section> sections, Section from) =>
        from.Link >= 0 && from.Link < sections.Count
            ? sections[from.Link]
            : throw new InvalidDataException($"a section names section {from.Link} of {sections.Count} as its strings");

    private string Name(uint offset)
    {
        if (offset >= _names.Size)
        {
            throw new InvalidDataException($"a name at {offset}, outside the string table of {_names.Size} bytes");
        }

        Span<byte> rest = At(_names.Offset + offset, (int)(_names.Size - offset));
        int end = rest.IndexOf((byte)0);
        return end >= 0
            ? Encoding.UTF8.GetString(rest[..end])
            : throw new InvalidDataException($"the name at {offset} does not end inside the string table");
    }

    private ushort UInt16(long offset) => BinaryPrimitives.ReadUInt16LittleEndian(At(offset, 2));

    private uint UInt32(long offset) => BinaryPrimitives.ReadUInt32LittleEndian(At(offset, 4));

    private ulong UInt64(long offset) => BinaryPrimitives.ReadUInt64LittleEndian(At(offset, 8));

    private Span<byte> At(long offset, int length) =>
        offset >= 0 && length >= 0 && offset <= _file.Length - length
            ? _file.AsSpan((int)offset, length)
            : throw new InvalidDataException($"{length} bytes at {offset} lie outside the file of {_file.Length} bytes");

    private sealed record Section(uint Type, long Offset, long Size, int Link);
}
