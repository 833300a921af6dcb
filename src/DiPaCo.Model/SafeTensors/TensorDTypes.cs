namespace DiPaCo.Model.SafeTensors;

/// <summary>Sizes and file names of <see cref="TensorDType"/>.</summary>
public static class TensorDTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int SizeInBytes(this TensorDType dtype) => dtype switch
    {
        TensorDType.F64 or TensorDType.I64 or TensorDType.U64 => 8,
        TensorDType.F32 or TensorDType.I32 or TensorDType.U32 => 4,
        TensorDType.F16 or TensorDType.BF16 or TensorDType.I16 or TensorDType.U16 => 2,
        TensorDType.F8E4M3 or TensorDType.F8E5M2 or TensorDType.I8 or TensorDType.U8 or TensorDType.Boolean => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, null),
    };

    /// <summary>The name that stands in a file, for example <c>BF16</c> or <c>F8_E4M3</c>.</summary>
    public static string FormatName(this TensorDType dtype) => dtype switch
    {
        TensorDType.Boolean => "BOOL",
        TensorDType.F8E4M3 => "F8_E4M3",
        TensorDType.F8E5M2 => "F8_E5M2",
        _ => dtype.ToString(),
    };

    /// <summary>Finds the type of a name that stands in a file.</summary>
    public static bool TryParse(string? formatName, out TensorDType dtype)
    {
        foreach (TensorDType candidate in Enum.GetValues<TensorDType>())
        {
            if (candidate.FormatName() == formatName)
            {
                dtype = candidate;
                return true;
            }
        }

        dtype = default;
        return false;
    }
}
