using System.Text.Json;
using DiPaCo.Core;

namespace DiPaCo.Cli.Tests.Support;

/// <summary>Text and a configuration that trains in seconds.</summary>
internal static class SmallProject
{
    /// <summary>Everything but the run's name and its text.</summary>
    public const string Configuration = """
        tokenizer: { vocabulary: 300 }
        transformer: { width: 32, sequence_length: 64 }
        topology:
          levels:
            - { blocks: 1, experts: 2 }
            - { blocks: 1, experts: 2 }
        recipe: { base_steps: 4, phases: 2, inner_steps: 3, batch_sequences: 4, micro_batch_sequences: 4 }
        inner: { base_warmup_steps: 1, warmup_steps: 1 }
        evaluation: { max_documents: 16, max_validation_documents: 8, sample_tokens: 16, dense_equal_flops: true }

        """;

    /// <summary>Documents of two kinds, so that there is something to route.</summary>
    public static void WriteCorpus(string folder)
    {
        Directory.CreateDirectory(folder);
        RandomStream chance = new(1, "end-to-end-corpus");
        using StreamWriter file = new(Path.Combine(folder, "documents.jsonl"));
        for (int document = 0; document < 600; document++)
        {
            string[] words = document % 2 == 0 ? ["red", "green", "blue", "white", "black"] : ["one", "two", "three", "four", "five"];
            string text = string.Join(' ', Enumerable.Range(0, 60).Select(_ => words[chance.NextInt32(words.Length)]));
            file.WriteLine(JsonSerializer.Serialize(new { text, url = $"document-{document}" }));
        }
    }
}
