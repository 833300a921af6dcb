using DiPaCo.Runtime;

namespace DiPaCo.Cli.Progress;

/// <summary>Stages as people read them.</summary>
internal static class StageLabel
{
    /// <summary>Column that fits every label.</summary>
    public const int Width = 16;

    /// <summary>The label.</summary>
    public static string Of(Stage stage) => stage switch
    {
        Stage.Corpus => "corpus",
        Stage.Tokenizer => "tokenizer",
        Stage.Tokens => "tokens",
        Stage.Base => "base model",
        Stage.Features => "features",
        Stage.Shards => "shards",
        Stage.Phases => "phases",
        Stage.Dense => "dense baseline",
        Stage.Evaluation => "evaluation",
        Stage.Report => "report",
        Stage.Verification => "verification",
        _ => stage.ToString(),
    };
}
