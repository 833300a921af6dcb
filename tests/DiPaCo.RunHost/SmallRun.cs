using DiPaCo.Core.Configuration;

namespace DiPaCo.RunHost;

/// <summary>A whole run of about a second: every stage, every kind of sharing, a corpus of a few hundred documents.</summary>
public static class SmallRun
{
    private const int Documents = 240;

    private const string Yaml = """
        name: small
        size: tiny
        device: cpu
        threads: 1
        data:
          paths: corpus.jsonl
          validation_share: 0.1
          test_share: 0.1
        tokenizer:
          vocabulary: 320
        transformer:
          width: 32
          heads: 2
          head_width: 16
          feed_forward: 64
          sequence_length: 48
          compute: fp32
        topology:
          embedding: shared
          head: level
          levels:
            - { blocks: 2, experts: 2, private_blocks: [0] }
            - { blocks: 1, experts: 2 }
        recipe:
          batch_sequences: 4
          micro_batch_sequences: 2
          base_steps: 4
          phases: 2
          inner_steps: 2
          keep_phases: 1
        routing:
          prefix_tokens: 8
          restarts: 2
          iterations: 10
        inner:
          base_learning_rate: 0.01
          learning_rate: 0.01
          warmup_steps: 1
        evaluation:
          every_phases: 1
          sample_tokens: 3

        """;

    /// <summary>
    /// A new folder, in memory where the system has such a file system: waiting for the disk is most of a small run's time,
    /// and what a killed process has written survives either way.
    /// </summary>
    public static string CreateFolder()
    {
        const string memory = "/dev/shm";
        return Directory.Exists(memory)
            ? Directory.CreateDirectory(Path.Combine(memory, $"dipaco-test-{Guid.NewGuid():N}")).FullName
            : Directory.CreateTempSubdirectory("dipaco-test-").FullName;
    }

    /// <summary>Writes corpus and configuration into a folder, and reads the configuration.</summary>
    public static LoadedConfig Prepare(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllLines(Path.Combine(folder, "corpus.jsonl"), SmallCorpus.Lines(Documents));
        string file = Path.Combine(folder, "small.yaml");
        File.WriteAllText(file, Yaml);
        return RunConfigLoader.Load(file);
    }
}
