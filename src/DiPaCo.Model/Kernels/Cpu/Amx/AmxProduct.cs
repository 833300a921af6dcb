using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>Products of bf16 with sums in fp32 on the matrix unit of the processor (AMX), called by one thread for operands in its cache.</summary>
internal static unsafe partial class AmxProduct
{
    /// <summary>Rows, columns and depth are multiples of this.</summary>
    public const int Block = 32;

    private const int ArchPrctl = 158;
    private const int RequestPermission = 0x1023;
    private const int TileData = 18;

    /// <summary>Whether the processor has AMX for bfloat16: leaf 7 of CPUID, bit 22 of EDX. It stands before the fields that are made with it.</summary>
    public static bool IsInProcessor { get; } = X86Base.X64.IsSupported && ((X86Base.CpuId(7, 0).Edx >> 22) & 1) == 1;

    private static readonly void* Configuration = Configure();
    private static readonly bool IsAllowed = Ask();
    private static readonly delegate* unmanaged[SuppressGCTransition]<AmxOperands*, void> Code = Make(rounds: false);
    private static readonly delegate* unmanaged[SuppressGCTransition]<AmxOperands*, void> RoundingCode = Make(rounds: true);

    /// <summary>Whether processor, operating system and this process have it.</summary>
    public static bool IsSupported => Code != null && RoundingCode != null;

    /// <summary>A length rounded up to whole blocks.</summary>
    public static int Padded(int length) => (length + Block - 1) / Block * Block;

    /// <summary>C = A·B or C += A·B in fp32. No collection of garbage can begin meanwhile, so it is to take microseconds only.</summary>
    public static void Multiply(AmxOperands operands)
    {
        operands.Configuration = Configuration;
        Code(&operands);
    }

    /// <summary>C = A·B, rounded to bf16 to nearest, ties to even, subnormal numbers to 0.</summary>
    public static void MultiplyRounded(AmxOperands operands)
    {
        operands.Configuration = Configuration;
        RoundingCode(&operands);
    }

    private static bool Ask()
    {
        // The instruction that rounds: leaf 7.1 of CPUID, bit 5 of EAX.
        bool hasAll = IsInProcessor && Avx512F.IsSupported && ((X86Base.CpuId(7, 1).Eax >> 5) & 1) == 1 && OperatingSystem.IsLinux();

        // Linux gives a process the large state of the tiles only if it asks; threads that begin later have it too.
        return hasAll && Call(ArchPrctl, RequestPermission, TileData) == 0;
    }

    private static delegate* unmanaged[SuppressGCTransition]<AmxOperands*, void> Make(bool rounds) =>
        (delegate* unmanaged[SuppressGCTransition]<AmxOperands*, void>)(IsAllowed ? ExecutableMemory.TryPlace(AmxCode.Assemble(rounds)) : null);

    /// <summary>Eight tiles of 16 rows of 64 bytes.</summary>
    private static void* Configure()
    {
        byte* bytes = (byte*)NativeMemory.AlignedAlloc(64, 64);
        new Span<byte>(bytes, 64).Clear();
        bytes[0] = 1;
        for (int tile = 0; tile < 8; tile++)
        {
            *(ushort*)(bytes + 16 + (2 * tile)) = 64;
            bytes[48 + tile] = 16;
        }

        return bytes;
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint Call(nint number, nint code, nint argument);
}
