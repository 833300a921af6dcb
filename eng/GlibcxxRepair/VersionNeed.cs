namespace DiPaCo.Build;

/// <summary>One library version that an ELF file asks for.</summary>
/// <param name="FlagsOffset">Where its flags lie in the file.</param>
/// <param name="Index">The number by which symbols refer to it.</param>
/// <param name="IsWeak">Whether the loader already accepts a library without it.</param>
internal sealed record VersionNeed(long FlagsOffset, ushort Index, bool IsWeak);
