using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>Keeps the chat template of the user's tokenizer with the run, if there is one. What a run has once it keeps, whatever becomes of the file.</summary>
/// <param name="session">The run.</param>
/// <param name="file">The file that the configuration names; null: none.</param>
/// <param name="folders">Where to look if it names none.</param>
internal sealed class ChatTemplateStage(RunSession session, string? file, ImmutableArray<string> folders)
{
    /// <summary>The stage of a run.</summary>
    /// <param name="session">The run.</param>
    /// <param name="fileOf">Where a file or folder lies that the configuration names.</param>
    public static ChatTemplateStage Of(RunSession session, Func<string, string> fileOf)
    {
        RunConfig config = session.Config;
        string? beside = config.Tokenizer.File is { } tokenizer ? Path.GetDirectoryName(fileOf(tokenizer)) : null;
        string? checkpoint = config.Recipe.BaseModel is { } folder ? fileOf(folder) : null;
        return new ChatTemplateStage(
            session,
            config.Tokenizer.ChatTemplate is { } named ? fileOf(named) : null,
            [.. new[] { beside, checkpoint }.OfType<string>().Distinct(StringComparer.Ordinal)]);
    }

    /// <summary>The blob with template and tokens; null: there is no template.</summary>
    /// <exception cref="DiPaCoException">The file that the configuration names is not there or damaged.</exception>
    public async Task<BlobHash?> KeepAsync(CancellationToken cancellationToken)
    {
        if (session.Tasks.FindOnly(ChatTemplateSpec.TaskKind) is { } kept)
        {
            return kept.Result[ChatTemplateSpec.Output];
        }

        if ((file is null ? Found() : ChatFormatFile.Read(file)) is not { } format)
        {
            return null;
        }

        byte[] bytes = ChatFormatFile.Write(format);
        TaskResult result = await session.Tasks.RecallAsync(
            new ChatTemplateSpec(BlobHash.Of(bytes)),
            async () => new TaskResult(ImmutableSortedDictionary<string, BlobHash>.Empty.Add(ChatTemplateSpec.Output, await session.Store.PutAsync(bytes, cancellationToken)), "{}"),
            cancellationToken);
        return result[ChatTemplateSpec.Output];
    }

    /// <summary>The template beside the tokenizer. No weight depends on it, so training goes on without one that is damaged.</summary>
    private ChatFormat? Found()
    {
        try
        {
            return ChatFormatFile.Find(folders)?.Format;
        }
        catch (DiPaCoException exception)
        {
            session.Note($"There is no chat template: {exception.Message}", isWarning: true);
            return null;
        }
    }
}
