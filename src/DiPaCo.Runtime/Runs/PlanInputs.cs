using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Data;

namespace DiPaCo.Runtime;

/// <summary>What a plan looks at besides the configuration: the tokenizer's file, and a sample of the text.</summary>
/// <param name="Vocabulary">Entries of the tokenizer's file; null where a tokenizer will be trained.</param>
/// <param name="Corpus">The text; null where it cannot be read.</param>
/// <param name="CorpusProblem">Why it cannot.</param>
public sealed record PlanInputs(int? Vocabulary, PlannedCorpus? Corpus, string? CorpusProblem)
{
    // A vocabulary twice as large saves about 0.3 bytes a token: 3.3 at 2,048 entries, 4.5 at 32,768 on English text.
    private const double BytesPerTokenAndBit = 0.3;

    /// <summary>Looks at them. Text that is not there, or is not as it must be, does not keep a run from being planned.</summary>
    /// <exception cref="DiPaCoException">The tokenizer's file cannot be read.</exception>
    public static async Task<PlanInputs> ReadAsync(LoadedConfig config, CancellationToken cancellationToken)
    {
        TextTokenizer? tokenizer = config.Config.Tokenizer.File is { } file
            ? (await TokenizerFile.ReadAsync(config.FullPath(file), cancellationToken)).Tokenizer
            : null;
        try
        {
            IDocumentSource source = CorpusSource.Open(config);
            CorpusSample sample = await Task.Run(() => CorpusSample.TakeAsync(source, cancellationToken), cancellationToken);
            return sample.Documents == 0
                ? new PlanInputs(tokenizer?.VocabularySize, null, $"There is no document in {source.Description}.")
                : new PlanInputs(tokenizer?.VocabularySize, Plan(sample, config.Config, tokenizer), null);
        }
        catch (DiPaCoException problem)
        {
            return new PlanInputs(tokenizer?.VocabularySize, null, problem.Message);
        }
    }

    private static PlannedCorpus Plan(CorpusSample sample, RunConfig config, TextTokenizer? tokenizer)
    {
        double bytesPerToken = tokenizer is null
            ? BytesPerTokenAndBit * Math.Log2(config.Tokenizer.Vocabulary)
            : (double)TextTokenizer.CountBytes(sample.Text) / Math.Max(1, tokenizer.Encode(sample.Text).Length);
        SequenceOptions sequences = new(config.Transformer.SequenceLength, config.Routing.PrefixTokens);

        // An end-of-text token stands before and behind every document.
        double mean = sample.DocumentBytes.Average(bytes => sequences.SequencesOf((int)(bytes / bytesPerToken) + 2));
        return new PlannedCorpus(
            sample.Documents, (long)(sample.Bytes / bytesPerToken) + (2 * sample.Documents), mean,
            sample.IsWhole ? CorpusBasis.Counted : CorpusBasis.Sampled);
    }
}
