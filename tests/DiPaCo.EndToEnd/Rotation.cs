using System.Globalization;
using Xunit;

namespace DiPaCo.EndToEnd;

/// <summary>
/// Where tests that take every n-th of many cases begin: elsewhere for every number, so that in time all cases are met. The continuous build
/// takes the number from the commit; a test says which it was, and with it in the environment the test does the same again.
/// </summary>
internal static class Rotation
{
    /// <summary>The environment variable with the number. Default 0.</summary>
    public const string Variable = "DIPACO_TEST_ROTATION";

    /// <summary>The first case to take, from 1 up to <paramref name="stride"/>.</summary>
    public static int FirstOf(int stride)
    {
        string number = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given ? given : "0";
        int first = 1 + (int)(uint.Parse(number, CultureInfo.InvariantCulture) % (uint)stride);
        TestContext.Current.SendDiagnosticMessage($"every {stride} from {first} on ({Variable}={number})");
        return first;
    }

    /// <summary>What repeats a failed test.</summary>
    public static string Hint => $"{Variable}={Environment.GetEnvironmentVariable(Variable) ?? "0"}";
}
