using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>
/// Finds chat templates as Hugging Face keeps them: <c>chat_template.jinja</c>, or <c>chat_template</c> in <c>tokenizer_config.json</c>, which also
/// names the tokens. A run keeps what it needs of them in one small file of its own, which is a <c>tokenizer_config.json</c> as well.
/// </summary>
public static class ChatFormatFile
{
    /// <summary>The file with tokens and, often, the template.</summary>
    public const string ConfigName = "tokenizer_config.json";

    /// <summary>The file with the template alone, which goes before the other.</summary>
    public const string TemplateName = "chat_template.jinja";

    /// <summary>Largest file of ours: a template and a few names.</summary>
    public const int MaximumBytes = 2 << 20;

    /// <summary>Longest template in characters.</summary>
    public const int MaximumTemplate = 256 << 10;

    // It lists all tokens that were added to a tokenizer.
    private const int MaximumConfigBytes = 64 << 20;

    private const int MaximumToken = 256;

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Looks in folders, the first that has a template wins.</summary>
    /// <param name="folders">The folders; those that are not there are passed over.</param>
    /// <returns>The file that was found, and what it says; null where no folder has a template.</returns>
    /// <exception cref="DiPaCoException">A file cannot be read, is too large or is damaged.</exception>
    public static (string File, ChatFormat Format)? Find(IEnumerable<string> folders)
    {
        foreach (string folder in folders)
        {
            string template = Path.Combine(folder, TemplateName);
            string config = Path.Combine(folder, ConfigName);
            if (File.Exists(template))
            {
                return (template, Read(template));
            }

            if (File.Exists(config) && ReadConfig(config) is { } format)
            {
                return (config, format);
            }
        }

        return null;
    }

    /// <summary>Reads a file that somebody names: a <c>tokenizer_config.json</c>, or a template, beside which one may lie.</summary>
    /// <exception cref="DiPaCoException">It is not there, cannot be read, is too large, is damaged, or has no template.</exception>
    public static ChatFormat Read(string path)
    {
        if (Path.GetExtension(path).Equals(".json", StringComparison.OrdinalIgnoreCase))
        {
            return ReadConfig(path) ?? throw new DiPaCoException($"'{path}' has no chat_template. Name a file that has one, or the template itself (*.jinja).");
        }

        string template = Encoding.UTF8.GetString(Bytes(path, 4 * MaximumTemplate)).TrimStart('\uFEFF');
        string config = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, ConfigName);
        return Checked(File.Exists(config) ? FromConfig(config, Tokens) with { Template = template } : new ChatFormat(template), path)!;
    }

    /// <summary>The file that a run keeps; equal formats are equal bytes.</summary>
    public static byte[] Write(ChatFormat format)
    {
        JsonObject json = new() { ["chat_template"] = format.Template };
        foreach ((string key, string? token) in NamedTokens(format))
        {
            if (token is not null)
            {
                json[key] = token;
            }
        }

        return Encoding.UTF8.GetBytes(json.ToJsonString(Json) + "\n");
    }

    /// <summary>Reads what <see cref="Write"/> has written.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="DiPaCoException">It is damaged.</exception>
    public static ChatFormat Load(ReadOnlySpan<byte> file, string name)
    {
        try
        {
            return Checked(file.Length <= MaximumBytes ? Format(JsonNode.Parse(file)) : null, name) ?? throw new DiPaCoException($"{name} is damaged: it has no template, or is too large.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new DiPaCoException($"{name} is damaged: {exception.Message.TrimEnd('.')}.", exception);
        }
    }

    /// <summary>The tokens by the names that templates and other programs have for them.</summary>
    public static IEnumerable<(string Key, string? Token)> NamedTokens(ChatFormat format) =>
        [("bos_token", format.Beginning), ("eos_token", format.End), ("pad_token", format.Padding), ("unk_token", format.Unknown)];

    private static ChatFormat? ReadConfig(string path) => Checked(FromConfig(path, Format), path);

    private static T FromConfig<T>(string path, Func<JsonNode?, T> read)
    {
        try
        {
            byte[] bytes = Bytes(path, MaximumConfigBytes);
            return read(JsonNode.Parse(bytes.AsSpan(bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0)));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new DiPaCoException($"'{path}' is not a tokenizer_config.json: {exception.Message.TrimEnd('.')}. Fetch it again.", exception);
        }
    }

    /// <summary>A template, or several with names, of which the one for chats without tools is called default.</summary>
    private static ChatFormat? Format(JsonNode? json)
    {
        JsonNode? template = json?["chat_template"];
        string? found = template switch
        {
            null => null,
            JsonArray named => named.FirstOrDefault(one => (string?)one?["name"] == "default")?["template"]?.GetValue<string>(),
            JsonNode text => text.GetValue<string>(),
        };
        return found is null ? null : Tokens(json) with { Template = found };
    }

    private static ChatFormat Tokens(JsonNode? json) => new("")
    {
        Beginning = TokenOf(json?["bos_token"]),
        End = TokenOf(json?["eos_token"]),
        Padding = TokenOf(json?["pad_token"]),
        Unknown = TokenOf(json?["unk_token"]),
    };

    private static string? TokenOf(JsonNode? token) => token switch
    {
        null => null,
        JsonObject described => described["content"]?.GetValue<string>(),
        JsonNode text => text.GetValue<string>(),
    };

    private static byte[] Bytes(string path, int most)
    {
        try
        {
            FileInfo file = new(path);
            return !file.Exists ? throw new DiPaCoException($"The chat template '{path}' does not exist. Expected a *.jinja file, or a tokenizer_config.json with a chat_template.")
                : file.Length > most ? throw new DiPaCoException($"'{path}' has {file.Length} bytes; expected at most {most}.")
                : File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DiPaCoException($"'{path}' cannot be read: {exception.Message.TrimEnd('.')}. Change its permissions, or name another file.", exception);
        }
    }

    private static ChatFormat? Checked(ChatFormat? format, string name) => format is null ? null
        : format.Template.Length > MaximumTemplate ? throw new DiPaCoException($"The chat template in '{name}' has {format.Template.Length} characters; expected at most {MaximumTemplate}.")
        : format.Template.Trim().Length == 0 ? throw new DiPaCoException($"The chat template in '{name}' is empty.")
        : NamedTokens(format).FirstOrDefault(named => named.Token is { Length: 0 or > MaximumToken }) is { Key: { } key }
            ? throw new DiPaCoException($"'{key}' in '{name}' is no token: it has {NamedTokens(format).First(named => named.Key == key).Token!.Length} characters; expected 1 to {MaximumToken}.")
        : format;
}
