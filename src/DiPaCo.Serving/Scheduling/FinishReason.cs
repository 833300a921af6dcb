namespace DiPaCo.Serving.Scheduling;

/// <summary>Why a sequence ended.</summary>
internal enum FinishReason
{
    /// <summary>The model ended the text, or a stop string was written.</summary>
    Stop,

    /// <summary>As many tokens were written as were asked for.</summary>
    Length,
}
