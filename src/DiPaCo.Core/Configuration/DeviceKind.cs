namespace DiPaCo.Core.Configuration;

/// <summary>The kinds of <see cref="DeviceRequest"/>.</summary>
public enum DeviceKind
{
    /// <summary>The processor.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU.</summary>
    Cuda,

    /// <summary>The first GPU if there is one, else the processor.</summary>
    Auto,
}
