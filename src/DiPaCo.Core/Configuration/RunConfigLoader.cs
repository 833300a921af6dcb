using System.Text;

namespace DiPaCo.Core.Configuration;

/// <summary>
/// Reads a run's configuration from YAML. Strict: an unknown key, a wrong type, an impossible value or combination is an
/// error that names file, line and key; all errors of a file are reported at once.
/// </summary>
public static class RunConfigLoader
{
    /// <summary>Largest file that is read, in bytes.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    private static readonly YamlMapping Nothing = new([], 0, 0);

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="overrides">Values that take the place of the file's.</param>
    /// <exception cref="ConfigurationException">The file cannot be read, or something in it is wrong.</exception>
    public static LoadedConfig Load(string path, ConfigOverrides? overrides = null)
    {
        return Parse(LoadText(path), path, overrides);
    }

    /// <summary>The text of a file that should be a configuration.</summary>
    /// <exception cref="ConfigurationException">The file cannot be read.</exception>
    internal static string LoadText(string path)
    {
        if (Directory.Exists(path))
        {
            throw Unreadable(path, "this is a folder; expected a YAML file.");
        }

        try
        {
            return ReadText(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Unreadable(path, "there is no such file. 'dipaco init' writes one to start from.", exception);
        }
        catch (DecoderFallbackException exception)
        {
            throw Unreadable(path, "this is not UTF-8 text; expected a YAML file.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, $"the file cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>Reads a text.</summary>
    /// <param name="text">The YAML.</param>
    /// <param name="fileName">Named in errors; without its extension the name of a run that states none.</param>
    /// <param name="overrides">Values that take the place of the text's.</param>
    /// <exception cref="ConfigurationException">Something in the text is wrong.</exception>
    public static LoadedConfig Parse(string text, string fileName, ConfigOverrides? overrides = null) => Parse(text, fileName, overrides, judged: null);

    /// <summary>Reads a text that states every key, whether or not it has an effect.</summary>
    /// <exception cref="ConfigurationException">Something in the text is wrong.</exception>
    internal static LoadedConfig ParseStored(string text, string fileName) => Parse(text, fileName, null, Nothing);

    private static LoadedConfig Parse(string text, string fileName, ConfigOverrides? overrides, YamlMapping? judged)
    {
        ErrorList errors = new(fileName);
        if (text.Length > MaxBytes)
        {
            errors.Add(0, 0, "", $"the file has more than {MaxBytes:N0} characters; no configuration has.");
            throw errors.ToException();
        }

        if (!YamlCharacters.Check(text, errors))
        {
            throw errors.ToException();
        }

        YamlMapping? content = YamlReader.Read(text, errors);
        string stem = Path.GetFileNameWithoutExtension(fileName);
        return Read(overrides is null ? content : overrides.ApplyTo(content, fileName), fileName, RunSection.IsName(stem) ? stem : "run", errors, judged);
    }

    /// <summary>Reads parsed YAML.</summary>
    /// <param name="content">The keys.</param>
    /// <param name="fileName">Named in errors.</param>
    /// <param name="filledName">Name of a run that states none.</param>
    /// <param name="errors">Takes what is wrong.</param>
    /// <param name="judged">The keys that must have an effect; null: all.</param>
    internal static LoadedConfig Read(YamlMapping? content, string fileName, string filledName, ErrorList errors, YamlMapping? judged)
    {
        ConfigReading reading = new(errors, judged);
        SectionReader top = new(reading, content, "");
        RunConfig config = RunSection.Read(top, filledName);
        new ConfigRules(reading).Check(config);
        new IdleKeys(reading).Check(config);
        reading.ReportUnknown();
        return errors.IsEmpty ? new LoadedConfig(config, fileName, [.. reading.Values]) : throw errors.ToException();
    }

    private static string ReadText(string path)
    {
        using FileStream stream = File.OpenRead(path);
        byte[] bytes = new byte[(int)Math.Min(MaxBytes + 1, stream.Length)];
        int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (length > MaxBytes)
        {
            throw Unreadable(path, $"the file has more than {MaxBytes:N0} bytes; no configuration has.");
        }

        string text = StrictUtf8.GetString(bytes, 0, length);
        return text.StartsWith('\uFEFF') ? text[1..] : text;
    }

    private static ConfigurationException Unreadable(string path, string problem, Exception? cause = null)
    {
        ConfigurationError error = new(path, 0, 0, "", problem);
        return cause is null ? new ConfigurationException([error]) : new ConfigurationException(error, cause);
    }
}
