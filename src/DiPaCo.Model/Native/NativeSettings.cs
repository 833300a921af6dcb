using System.Runtime.InteropServices;

namespace DiPaCo.Model.Native;

/// <summary>
/// What libtorch's own libraries read from the environment once, when they are loaded. What the user has set stays as it is.
/// </summary>
/// <remarks>
/// GNU's OpenMP lets threads spin for 300,000 rounds or about a millisecond before they sleep, which assumes that a process has the machine
/// to itself; several workers on one machine then burn each other's cores while they wait for each other. Between two operations of a
/// training step some microseconds pass, so a tenth of that spinning is enough to stay awake.
/// cuBLAS gives the same bytes twice only with a workspace of fixed size. MKL divides products otherwise for another number of threads, and on
/// Intel's processors then rounds otherwise, unless it is told to be strict.
/// </remarks>
internal static partial class NativeSettings
{
    private static readonly (string Name, string Value)[] Reproducible = [("CUBLAS_WORKSPACE_CONFIG", ":4096:8"), ("MKL_CBWR", "AUTO,STRICT")];

    /// <summary>Must happen before libtorch is loaded.</summary>
    public static void Apply()
    {
        if (!OperatingSystem.IsWindows())
        {
            if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null)
            {
                Set("GOMP_SPINCOUNT", "20000");
            }

            foreach ((string name, string value) in Reproducible)
            {
                Set(name, value);
            }
        }
        else
        {
            foreach ((string name, string value) in Reproducible.Where(setting => Environment.GetEnvironmentVariable(setting.Name) is null))
            {
                Environment.SetEnvironmentVariable(name, value);
            }
        }
    }

    // Outside Windows .NET's own setter does not reach the environment that native code reads.
    private static void Set(string name, string value) => _ = SetEnvironment(name, value, overwrite: 0);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
