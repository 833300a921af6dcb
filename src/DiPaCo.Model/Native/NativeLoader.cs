using System.Runtime.InteropServices;
using DiPaCo.Core;

namespace DiPaCo.Model.Native;

/// <summary>Loads one native library with all its symbols resolved.</summary>
internal static partial class NativeLoader
{
    private const int ResolveNow = 2;

    /// <summary>Loads the library at an absolute path.</summary>
    /// <remarks>
    /// .NET loads lazily on Unix: a symbol that an unsuitable libtorch lacks would end the process at its first use,
    /// without an exception. Resolving everything at once turns that into an error with a name.
    /// </remarks>
    /// <exception cref="DiPaCoException">The system refuses the file.</exception>
    public static nint Load(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            // Called once before it is needed: binding it afterwards would replace the reason by its own success.
            _ = DlError();
            if (DlOpen(path, ResolveNow) == 0)
            {
                throw Refused(path, Marshal.PtrToStringUTF8(DlError()) ?? "no reason given", inner: null);
            }
        }

        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw Refused(path, e.Message, e);
        }
    }

    private static DiPaCoException Refused(string path, string reason, Exception? inner)
    {
        string message =
            $"{path} cannot be loaded: {reason}. Expected a libtorch for {RuntimeInformation.RuntimeIdentifier} that matches TorchSharp. " +
            $"If {TorchLocator.Variable} is set, check that it names such a PyTorch or remove it; otherwise build this program again on this machine.";
        return inner is null ? new DiPaCoException(message) : new DiPaCoException(message, inner);
    }

    [LibraryImport("libc", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint DlOpen(string path, int flags);

    [LibraryImport("libc", EntryPoint = "dlerror")]
    private static partial nint DlError();
}
