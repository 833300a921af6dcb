using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>Everything that is wrong with a configuration file, at once, in the order of the file.</summary>
public sealed class ConfigurationException : DiPaCoException
{
    private const int MostShown = 50;

    /// <summary>Creates the exception; its message has one line per error.</summary>
    public ConfigurationException(ImmutableArray<ConfigurationError> errors) : base(Describe(errors))
    {
        Errors = errors;
    }

    /// <summary>Creates the exception for a file that cannot be read at all.</summary>
    public ConfigurationException(ConfigurationError error, Exception innerException) : base(error.ToString(), innerException)
    {
        Errors = [error];
    }

    /// <summary>The errors in the order of the file.</summary>
    public ImmutableArray<ConfigurationError> Errors { get; }

    private static string Describe(ImmutableArray<ConfigurationError> errors)
    {
        if (errors.Length == 1)
        {
            return errors[0].ToString();
        }

        IEnumerable<string> lines = errors.Take(MostShown).Select(error => $"  {error}");
        string rest = errors.Length > MostShown ? $"\n  … and {errors.Length - MostShown} more." : "";
        return $"The configuration has {errors.Length} errors:\n{string.Join('\n', lines)}{rest}";
    }
}
