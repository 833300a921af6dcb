namespace DiPaCo.Training.Benchmarking;

/// <summary>Times of safetensors over times of the same bytes without a format.</summary>
/// <param name="Write">Writing a file over writing the bytes.</param>
/// <param name="Read">Reading a file over reading the bytes.</param>
/// <param name="WriteOverCopy">Writing a file over copying it.</param>
/// <param name="ReadOverCopy">Reading a file over copying it.</param>
/// <param name="Put">Putting a blob into the store, its hash and its flush to the disk included, over writing and flushing the bytes.</param>
public sealed record SafeTensorsRatios(double Write, double Read, double WriteOverCopy, double ReadOverCopy, double Put);
