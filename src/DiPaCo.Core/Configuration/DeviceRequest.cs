using System.Globalization;

namespace DiPaCo.Core.Configuration;

/// <summary>A device as the configuration names it: <c>cpu</c>, <c>cuda</c>, <c>cuda:N</c> or <c>auto</c>.</summary>
/// <param name="Kind">Which of them.</param>
/// <param name="Index">N of <c>cuda:N</c>; 0 otherwise.</param>
public readonly record struct DeviceRequest(DeviceKind Kind, int Index = 0)
{
    /// <summary>Reads the text of a configuration.</summary>
    /// <exception cref="DiPaCoException">It is none of the four forms.</exception>
    public static DeviceRequest Parse(string text) => TryParse(text, out DeviceRequest request)
        ? request
        : throw new DiPaCoException(
            $"device is '{text}'; expected cpu, cuda, cuda:N (N = 0, 1, …) or auto. auto takes the first GPU if there is one, else the CPU.");

    /// <summary>Reads the text of a configuration, if it is one of the four forms.</summary>
    public static bool TryParse(string text, out DeviceRequest request)
    {
        ArgumentNullException.ThrowIfNull(text);
        DeviceRequest? found = text switch
        {
            "cpu" => new(DeviceKind.Cpu),
            "cuda" => new(DeviceKind.Cuda),
            "auto" => new(DeviceKind.Auto),
            _ when text.StartsWith("cuda:", StringComparison.Ordinal)
                && int.TryParse(text.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out int index) => new(DeviceKind.Cuda, index),
            _ => null,
        };
        request = found.GetValueOrDefault();
        return found is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        DeviceKind.Cpu => "cpu",
        DeviceKind.Auto => "auto",
        _ => string.Create(CultureInfo.InvariantCulture, $"cuda:{Index}"),
    };
}
