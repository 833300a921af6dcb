using System.Buffers;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Serving.Models;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary>Writes answers.</summary>
internal static class Answer
{
    /// <summary>Writes a JSON answer.</summary>
    /// <param name="response">The response.</param>
    /// <param name="write">Writes the one value.</param>
    /// <param name="status">HTTP status.</param>
    public static async Task WriteAsync(HttpResponse response, Action<Utf8JsonWriter> write, int status = 200)
    {
        ArrayBufferWriter<byte> buffer = new();
        WriteJson(buffer, write);
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.ContentLength = buffer.WrittenCount;
        await response.Body.WriteAsync(buffer.WrittenMemory, response.HttpContext.RequestAborted);
    }

    /// <summary>Writes one event of a stream.</summary>
    public static async Task WriteEventAsync(HttpResponse response, Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte> line = new();
        line.Write("data: "u8);
        WriteJson(line, write);
        line.Write("\n\n"u8);
        await response.Body.WriteAsync(line.WrittenMemory, cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
    }

    /// <summary>Writes an error in OpenAI's shape.</summary>
    public static void Error(Utf8JsonWriter json, ApiException error)
    {
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("message", error.Message);
        json.WriteString("type", error.Kind);
        json.WriteString("param", error.Parameter);
        json.WriteString("code", error.Code);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Writes numbers of tokens.</summary>
    public static void Usage(Utf8JsonWriter json, int prompt, int? written)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", prompt);
        if (written is { } completion)
        {
            json.WriteNumber("completion_tokens", completion);
        }

        json.WriteNumber("total_tokens", prompt + (written ?? 0));
        json.WriteEndObject();
    }

    /// <summary>Writes which version of the model answered, and what the router said, inside an object that has begun.</summary>
    public static void Model(Utf8JsonWriter json, LiveModel model)
    {
        json.WriteString("model_digest", model.Description.ModelDigest);
        json.WriteNumber("phases", model.Description.PhasesDone);
    }

    /// <summary>Writes a router's scores, one a path in the order of their ids; null where the path was given by name.</summary>
    public static void Scores(Utf8JsonWriter json, ImmutableArray<float> scores)
    {
        if (scores.IsDefaultOrEmpty)
        {
            json.WriteNull("scores");
            return;
        }

        json.WriteStartArray("scores");
        foreach (float score in scores)
        {
            Number(json, score);
        }

        json.WriteEndArray();
    }

    /// <summary>Writes a path with its experts and what the router said, inside an object that has begun.</summary>
    public static void Path(Utf8JsonWriter json, ModelTopology topology, PathId path, ImmutableArray<float> scores)
    {
        json.WriteNumber("path", path.Value);
        Experts(json, topology, path);
        Scores(json, scores);
    }

    /// <summary>Writes the <c>dipaco</c> object: the version of the model, what is to be said of the first sequence, and of all of them where there are several.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="model">The version.</param>
    /// <param name="count">Number of sequences.</param>
    /// <param name="write">Writes what is to be said of one.</param>
    public static void Dipaco(Utf8JsonWriter json, LiveModel model, int count, Action<int> write)
    {
        json.WriteStartObject("dipaco");
        Model(json, model);
        write(0);
        if (count > 1)
        {
            json.WriteStartArray("choices");
            for (int index = 0; index < count; index++)
            {
                json.WriteStartObject();
                json.WriteNumber("index", index);
                write(index);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    /// <summary>Writes a number that JSON has; others become null.</summary>
    public static void Number(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumberValue(value);
        }
        else
        {
            json.WriteNullValue();
        }
    }

    /// <summary>Writes the experts of a path, one a level.</summary>
    public static void Experts(Utf8JsonWriter json, ModelTopology topology, PathId path)
    {
        json.WriteStartArray("experts");
        foreach (int expert in topology.Grid.ExpertsOf(path))
        {
            json.WriteNumberValue(expert);
        }

        json.WriteEndArray();
    }

    /// <summary>A name for an answer that no other has.</summary>
    public static string NewId(string kind) => $"{kind}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12))}";

    private static void WriteJson(ArrayBufferWriter<byte> buffer, Action<Utf8JsonWriter> write)
    {
        using Utf8JsonWriter json = new(buffer);
        write(json);
        json.Flush();
    }
}
