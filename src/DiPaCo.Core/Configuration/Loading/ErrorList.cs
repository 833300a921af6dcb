namespace DiPaCo.Core.Configuration;

/// <summary>Collects the errors of one file, so that the user sees all of them at once.</summary>
internal sealed class ErrorList(string file)
{
    private readonly List<ConfigurationError> _errors = [];

    public bool IsEmpty => _errors.Count == 0;

    /// <summary>Whether that key or a part of it has an error already; a rule about it would only repeat it.</summary>
    public bool Concerns(string key) => _errors.Exists(error =>
        error.Key.StartsWith(key, StringComparison.Ordinal)
        && (error.Key.Length == key.Length || error.Key[key.Length] is '.' or '['));

    /// <summary>Whether that problem is on the list: it begins as one of the same place does.</summary>
    public bool Has(int line, int column, string problem) => _errors.Exists(error =>
        error.Line == line && error.Column == column && error.Problem.StartsWith(problem, StringComparison.Ordinal));

    public void Add(int line, int column, string key, string problem) =>
        _errors.Add(new ConfigurationError(file, line, column, key, problem));

    /// <summary>The errors in the order of the file; those of one place in the order in which they were found.</summary>
    public ConfigurationException ToException() =>
        new([.. _errors.OrderBy(error => error.Line).ThenBy(error => error.Column)]);
}
