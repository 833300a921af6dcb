using DiPaCo.Core.Configuration;
using TorchSharp;

namespace DiPaCo.Model;

/// <summary>How and where a path is computed. All of it belongs to the task: it may change the last bits of a result.</summary>
public sealed record ComputeOptions
{
    /// <summary>Type of the matrix products. Default bf16.</summary>
    public ComputeType Type { get; init; } = ComputeType.Bf16;

    /// <summary>Where the tensors live; null: the CPU.</summary>
    public torch.Device? Device { get; init; }

    /// <summary>Most tokens of one micro-batch, at least one sequence. Memory of the activations grows with it. Default 8,192.</summary>
    public int MaxTokens { get; init; } = 8192;

    /// <summary>Tokens whose logits exist at one time. Default 1,024.</summary>
    public int HeadTokens { get; init; } = 1024;
}
