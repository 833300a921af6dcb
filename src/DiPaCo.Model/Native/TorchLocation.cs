namespace DiPaCo.Model.Native;

/// <summary>The folders from which the native libraries come.</summary>
/// <param name="LibTorchFolder">Contains libtorch (<c>torch_cpu</c>, <c>c10</c>, …).</param>
/// <param name="BridgeFolder">Contains TorchSharp's own library, which always comes with this program.</param>
public sealed record TorchLocation(string LibTorchFolder, string BridgeFolder);
