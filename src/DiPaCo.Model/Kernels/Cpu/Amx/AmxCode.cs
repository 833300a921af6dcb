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
    private const int RowsAtOnce = 4;

    /// <summary>The code of <c>void (AmxOperands*)</c>, for the calling convention of Unix on x64.</summary>
    /// <param name="rounds">Whether C is bf16: each block is rounded to it at the end. Else C is fp32.</param>
    public static byte[] Assemble(bool rounds)
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
        if (!rounds)
        {
            c.cmp(Field(nameof(AmxOperands.Accumulate)), 0);
            c.je(zero);
            HalfWay(c, r12, r10);
            c.tileloadd(tmm0, __[r12 + r10]);
            c.tileloadd(tmm1, __[r12 + r10 + TileBytes]);
            c.tileloadd(tmm2, __[rcx + r10]);
            c.tileloadd(tmm3, __[rcx + r10 + TileBytes]);
            c.jmp(begin);
            c.Label(ref zero);
        }

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

        if (rounds)
        {
            c.mov(rax, Field(nameof(AmxOperands.Room)));
            c.mov(rdx, BlockBytes);
            c.tilestored(__[rax + rdx], tmm0);
            c.tilestored(__[rax + rdx + TileBytes], tmm1);
            c.tilestored(__[rax + rdx + (16 * BlockBytes)], tmm2);
            c.tilestored(__[rax + rdx + (16 * BlockBytes) + TileBytes], tmm3);
            RoundBlock(c);
            c.add(r12, TileBytes);
        }
        else
        {
            HalfWay(c, r12, r10);
            c.tilestored(__[r12 + r10], tmm0);
            c.tilestored(__[r12 + r10 + TileBytes], tmm1);
            c.tilestored(__[rcx + r10], tmm2);
            c.tilestored(__[rcx + r10 + TileBytes], tmm3);
            c.add(r12, BlockBytes);
        }

        c.add(r13, Field(nameof(AmxOperands.BBlock)));
        c.dec(r14);
        c.jne(column);

        c.add(r11, Field(nameof(AmxOperands.ABlock)));
        c.mov(rcx, r10);
        c.shl(rcx, 5);
        c.add(rbx, rcx);
        c.dec(rbp);
        c.jne(row);

        c.tilerelease();
        c.vzeroupper();
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

    /// <summary>From the 32 rows of fp32 at rax to the rows of bf16 at r12.</summary>
    private static void RoundBlock(Assembler c)
    {
        AssemblerRegisterZMM[] upper = [zmm0, zmm1, zmm2, zmm3];
        Label rows = c.CreateLabel("rows");
        c.mov(rdx, r12);
        c.mov(rsi, 2 * 16 / RowsAtOnce);
        c.Label(ref rows);
        for (int i = 0; i < RowsAtOnce; i++)
        {
            c.vmovups(upper[i], __[rax + (i * BlockBytes) + TileBytes]);
            c.vcvtne2ps2bf16(upper[i], upper[i], __[rax + (i * BlockBytes)]);
        }

        for (int i = 0; i < RowsAtOnce; i++)
        {
            c.vmovups(__[rdx], upper[i]);
            c.add(rdx, r10);
        }

        c.add(rax, RowsAtOnce * BlockBytes);
        c.dec(rsi);
        c.jne(rows);
    }
}
