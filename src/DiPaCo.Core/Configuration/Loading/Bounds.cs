using System.Globalization;

namespace DiPaCo.Core.Configuration;

/// <summary>The whole numbers that a key accepts.</summary>
/// <param name="Least">Smallest value.</param>
/// <param name="Most">Largest value: far beyond use, but small enough that no product of sizes overflows.</param>
/// <param name="MultipleOf">Every value is a multiple of this.</param>
internal readonly record struct Bounds(long Least, long Most, int MultipleOf = 1)
{
    public bool Contain(long value) => value >= Least && value <= Most && value % MultipleOf == 0;

    public override string ToString()
    {
        string kind = MultipleOf == 1 ? "a whole number" : $"a multiple of {MultipleOf}";
        return string.Create(CultureInfo.InvariantCulture, $"{kind} from {Least:N0} to {Most:N0}");
    }
}
