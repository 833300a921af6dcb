namespace DiPaCo.Serving.Http;

/// <summary>An answer that is an error, in the shape that OpenAI's clients read.</summary>
internal sealed class ApiException : Exception
{
    /// <summary>An error.</summary>
    /// <param name="status">HTTP status.</param>
    /// <param name="message">What is wrong and what was expected.</param>
    /// <param name="parameter">The field that is wrong.</param>
    /// <param name="code">A word for programs.</param>
    public ApiException(int status, string message, string? parameter = null, string? code = null)
        : base(message)
    {
        Status = status;
        Parameter = parameter;
        Code = code;
    }

    /// <summary>HTTP status.</summary>
    public int Status { get; }

    /// <summary>The field that is wrong.</summary>
    public string? Parameter { get; }

    /// <summary>A word for programs.</summary>
    public string? Code { get; }

    /// <summary>The kind of error.</summary>
    public string Kind => Status switch
    {
        401 or 403 => "authentication_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };
}
