using System.Runtime.InteropServices;

namespace DiPaCo.Model.Native;

/// <summary>
/// How long threads of OpenMP spin before they sleep. GNU's default, 300,000 rounds or about a millisecond, assumes that a process has
/// the machine to itself; several workers on one machine then burn each other's cores while they wait for each other.
/// Between two operations of a training step some microseconds pass, so a tenth of that spinning is enough to stay awake.
/// </summary>
internal static partial class OpenMpWaiting
{
    private const string Variable = "GOMP_SPINCOUNT";
    private const string Rounds = "20000";

    /// <summary>
    /// Must happen before libgomp is loaded, which reads its environment once. What the user has set stays as it is.
    /// Only where libgomp is what libtorch uses.
    /// </summary>
    public static void Shorten()
    {
        if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null)
        {
            // .NET's own setter does not reach the environment that native code reads.
            _ = SetEnvironment(Variable, Rounds, overwrite: 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
