using DiPaCo.RunHost;

namespace DiPaCo.EndToEnd.Chaos;

/// <summary>A 4×4 run that is long enough to be disturbed, and the bytes that it has when nobody disturbs it.</summary>
internal static class ChaosRun
{
    private const int Documents = 900;

    private const string Yaml = """
        name: chaos
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
            - { blocks: 2, experts: 4, private_blocks: [0] }
            - { blocks: 1, experts: 4 }
        recipe:
          batch_sequences: 4
          micro_batch_sequences: 2
          base_steps: 10
          phases: PHASES
          inner_steps: STEPS
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
          dense_equal_steps: false
          dense_equal_flops: false

        """;

    /// <summary>Writes corpus and configuration into a folder.</summary>
    /// <returns>The configuration's file.</returns>
    public static string Prepare(string folder, int phases, int steps)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllLines(Path.Combine(folder, "corpus.jsonl"), SmallCorpus.Lines(Documents));
        string config = Path.Combine(folder, "chaos.yaml");
        File.WriteAllText(config, Yaml.Replace("PHASES", $"{phases}", StringComparison.Ordinal).Replace("STEPS", $"{steps}", StringComparison.Ordinal));
        return config;
    }
}
