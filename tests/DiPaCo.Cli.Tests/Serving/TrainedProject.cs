using DiPaCo.Cli.Tests.Support;
using Xunit;

namespace DiPaCo.Cli.Tests.Serving;

/// <summary>
/// A run in <c>runs/mine</c>, trained once by the built program for all tests that serve it. It has seen hardly anything, and its context is long: texts that
/// always take the likeliest token go on for a while.
/// </summary>
public sealed class TrainedProject : IAsyncLifetime
{
    /// <summary>Tokens of its context.</summary>
    public const int Context = 2048;

    private readonly TemporaryFolder _folder = new();

    /// <summary>The folder in which the run's is.</summary>
    public string Folder => _folder.Path;

    public async ValueTask InitializeAsync()
    {
        SmallProject.WriteCorpus(_folder["corpus"]);
        File.WriteAllText(_folder["mine.yaml"], $$"""
            name: mine
            size: tiny
            data: { paths: [corpus] }
            tokenizer: { vocabulary: 300 }
            transformer: { width: 32, sequence_length: {{Context}} }
            topology:
              levels:
                - { blocks: 1, experts: 2 }
                - { blocks: 1, experts: 2 }
            recipe: { base_steps: 2, phases: 1, inner_steps: 2, batch_sequences: 1, micro_batch_sequences: 1 }
            inner: { base_warmup_steps: 1, warmup_steps: 1 }
            evaluation: { max_documents: 8, max_validation_documents: 8, sample_tokens: 0, dense_equal_steps: false, dense_equal_flops: false }

            """);
        ProgramResult trained = await Programs.DipacoAsync(Folder, "train", "mine.yaml");
        Assert.Equal((0, ""), (trained.ExitCode, trained.Error));
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
