namespace DiPaCo.Model.SafeTensors;

/// <summary>
/// A tensor in memory that someone else owns: the source of a write or the destination of a read.
/// Views into one flat buffer that follow each other without a gap travel as one run.
/// </summary>
/// <param name="Spec">Name, element type and shape.</param>
/// <param name="Address">Address of the first element; <see cref="TensorSpec.ByteLength"/> contiguous bytes that stay in place during the call.</param>
public readonly record struct TensorMemory(TensorSpec Spec, nint Address);
