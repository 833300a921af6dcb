namespace DiPaCo.Core.Configuration;

/// <summary>The section <c>tokenizer</c>.</summary>
internal static class TokenizerSection
{
    /// <summary>256 bytes and the special token.</summary>
    private const int LeastVocabulary = 257;

    public static TokenizerOptions Read(SectionReader section, SizeTable filled)
    {
        TokenizerOptions options = new() { Vocabulary = filled.Vocabulary };
        string? file = section.Text(
            "file", null, text => text.Length is > 0 and <= 4_096 && !text.Any(char.IsControl), "a file: tokenizer.json, *.tiktoken or a SentencePiece *.model",
            "An existing tokenizer.json, .tiktoken or SentencePiece .model; null trains one on the corpus.");
        if (file is null)
        {
            options = options with
            {
                Vocabulary = section.Count("vocabulary", options.Vocabulary, new Bounds(LeastVocabulary, 1_000_000), "Entries of the trained vocabulary, the special token included."),
                TrainingBytes = section.Long("training_bytes", options.TrainingBytes, new Bounds(1, 100_000_000_000), "Bytes of text that a trained tokenizer learns from at most."),
            };
        }
        else
        {
            section.Ignore("vocabulary");
            section.Ignore("training_bytes");
        }

        string? chatTemplate = section.Text(
            "chat_template", null, text => text.Length is > 0 and <= 4_096 && !text.Any(char.IsControl), "a file: *.jinja or tokenizer_config.json",
            "A chat template (*.jinja, or a tokenizer_config.json with one) for the served model; null takes the one beside tokenizer.file, if there is one.");
        section.Finish();
        return options with { File = file, ChatTemplate = chatTemplate };
    }
}
