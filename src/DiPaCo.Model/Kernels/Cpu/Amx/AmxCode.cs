using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>
/// Assembles the product of <see cref="AmxOperands"/>: .NET has no intrinsics for AMX. A block of C is four tiles of 16 × 16 that stay in registers while
/// the depth is run through. The code sets the tiles up and releases them, so that none are live in the callers.
/// </summary>
internal static class AmxCode
{
    private const int TileBytes = 64;
    private const int BlockBytes = 2 * TileBytes;

    /// <summary>The code of <c>void (AmxOperands*)</c>, for the calling convention of Unix on x64.</summary>
    public static byte[] Assemble()
    {
        Assembler c = new(64);
        AssemblerRegister64[] kept = [rbx, rbp, r12, r13, r14, r15];
        Array.ForEach(kept, c.push);

        c.mov(rax, Field(nameof(AmxOperands.Configuration)));
        c.ldtilecfg(__[rax]);
        c.mov(r8, Field(nameof(AmxOperands.ARow)));
        c.mov(r9, Field(nameof(AmxOperands.BRow)));
        c.mov(r10, Field(nameof(AmxOperands.CRow)));
        c.mov(r15, r9);
        c.shl(r15, 4);
        c.mov(r11, Field(nameof(AmxOperands.A)));
        c.mov(rbx, Field(nameof(AmxOperands.C)));
        c.mov(rbp, Field(nameof(AmxOperands.RowBlocks)));

        Label row = c.CreateLabel("row");
        Label column = c.CreateLabel("column");
        Label zero = c.CreateLabel("zero");
        Label begin = c.CreateLabel("begin");
        Label depth = c.CreateLabel("depth");
        c.Label(ref row);
        c.mov(r12, rbx);
        c.mov(r13, Field(nameof(AmxOperands.B)));
        c.mov(r14, Field(nameof(AmxOperands.ColumnBlocks)));

        c.Label(ref column);
        c.cmp(Field(nameof(AmxOperands.Accumulate)), 0);
        c.je(zero);
        HalfWay(c, r12, r10);
        c.tileloadd(tmm0, __[r12 + r10]);
        c.tileloadd(tmm1, __[r12 + r10 + TileBytes]);
        c.tileloadd(tmm2, __[rcx + r10]);
        c.tileloadd(tmm3, __[rcx + r10 + TileBytes]);
        c.jmp(begin);
        c.Label(ref zero);
        c.tilezero(tmm0);
        c.tilezero(tmm1);
        c.tilezero(tmm2);
        c.tilezero(tmm3);

        c.Label(ref begin);
        c.mov(rax, r11);
        HalfWay(c, r11, r8);
        c.mov(rdx, r13);
        c.mov(rsi, Field(nameof(AmxOperands.DepthBlocks)));
        c.Label(ref depth);
        c.tileloadd(tmm4, __[rax + r8]);
        c.tileloadd(tmm6, __[rdx + r9]);
        c.tdpbf16ps(tmm0, tmm4, tmm6);
        c.tileloadd(tmm7, __[rdx + r9 + TileBytes]);
        c.tdpbf16ps(tmm1, tmm4, tmm7);
        c.tileloadd(tmm5, __[rcx + r8]);
        c.tdpbf16ps(tmm2, tmm5, tmm6);
        c.tdpbf16ps(tmm3, tmm5, tmm7);
        c.add(rax, TileBytes);
        c.add(rcx, TileBytes);
        c.add(rdx, r15);
        c.dec(rsi);
        c.jne(depth);

        HalfWay(c, r12, r10);
        c.tilestored(__[r12 + r10], tmm0);
        c.tilestored(__[r12 + r10 + TileBytes], tmm1);
        c.tilestored(__[rcx + r10], tmm2);
        c.tilestored(__[rcx + r10 + TileBytes], tmm3);
        c.add(r12, BlockBytes);
        c.add(r13, BlockBytes);
        c.dec(r14);
        c.jne(column);

        NextBlock(c, r11, r8);
        NextBlock(c, rbx, r10);
        c.dec(rbp);
        c.jne(row);

        c.tilerelease();
        Array.ForEach([.. kept.Reverse()], c.pop);
        c.ret();

        using MemoryStream code = new();
        c.Assemble(new StreamCodeWriter(code), 0);
        return code.ToArray();
    }

    private static AssemblerMemoryOperand Field(string name) => __qword_ptr[rdi + (int)Marshal.OffsetOf<AmxOperands>(name)];

    /// <summary>rcx = the block's second 16 rows.</summary>
    private static void HalfWay(Assembler c, AssemblerRegister64 start, AssemblerRegister64 distance)
    {
        c.mov(rcx, distance);
        c.shl(rcx, 4);
        c.add(rcx, start);
    }

    /// <summary>Moves on by 32 rows.</summary>
    private static void NextBlock(Assembler c, AssemblerRegister64 start, AssemblerRegister64 distance)
    {
        c.mov(rcx, distance);
        c.shl(rcx, 5);
        c.add(start, rcx);
    }
}
