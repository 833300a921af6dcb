using System.Runtime.CompilerServices;
using DiPaCo.Model.Native;
using TorchSharp;

namespace DiPaCo.Tests;

/// <summary>Compiled into every test assembly whose tests use TorchSharp.</summary>
internal static class LoadTorch
{
    [ModuleInitializer]
    internal static void BeforeAnyTest()
    {
        TorchLibrary.Initialize();

        // Test assemblies and test classes already run beside each other; more threads would only wait for each other.
        torch.set_num_threads(1);
    }
}
