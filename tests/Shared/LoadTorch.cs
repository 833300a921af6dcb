using System.Runtime.CompilerServices;
using DiPaCo.Model.Native;

namespace DiPaCo.Tests;

/// <summary>Compiled into every test assembly whose tests use TorchSharp.</summary>
internal static class LoadTorch
{
    [ModuleInitializer]
    internal static void BeforeAnyTest() => TorchLibrary.Initialize();
}
