using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>
/// Turns a matrix [row, column], so that what is to be added up, its rows, lies side by side: [chunk of 512 rows, column, 512 rows]. What is missing of the
/// last rows and columns is 0. A chunk of the loop is 32 columns of a chunk of rows.
/// </summary>
internal unsafe struct TurnKernel : IChunkKernel
{
    /// <summary>Rows of a chunk.</summary>
    public const int Depth = 512;

    private const int Block = AmxProduct.Block;
    private const int Vector = 16;

    public ushort* Source;
    public ushort* Turned;
    public int Rows;
    public int Columns;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        (long part, long group) = Math.DivRem(chunk, AmxProduct.Padded(Columns) / Block);
        int first = (int)part * Depth;
        uint* pairs = stackalloc uint[Vector * Vector];
        ushort* target = Turned + (((nint)part * AmxProduct.Padded(Columns)) + ((nint)group * Block)) * Depth;
        for (int row = first; row < Math.Min(first + Depth, Rows); row += Block)
        {
            for (int half = 0; half < Block; half += Vector)
            {
                for (int pair = 0; pair < Vector; pair++)
                {
                    AmxPacking.PairAt(Source, Columns, Rows, row + (2 * pair), ((nint)group * Block) + half).Store(pairs + (pair * Vector));
                }

                Transposition.Turn16((float*)pairs, Vector, (float*)(target + ((nint)half * Depth) + (row - first)), Depth / 2);
            }
        }
    }
}
