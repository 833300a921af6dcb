using System.Text.Json;
using System.Text.RegularExpressions;
using DiPaCo.Cli.Tests.Support;
using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Cli.Tests;

public sealed class InitAndPlanTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task InitWritesAFileThatLoadsAndNamesTheNextCommands()
    {
        CommandLine cli = new();
        string file = _folder[Path.Combine("new folder", "mine.yaml")];

        int code = await cli.RunAsync("init", "-o", file, "--size", "tiny", "--data", "texts");

        Assert.Equal((ExitCodes.Success, ""), (code, cli.Error));
        RunConfig config = RunConfigLoader.Load(file, new ConfigOverrides()).Config;
        Assert.Equal(("mine", ModelSize.Tiny), (config.Name, config.Size));
        // The command line's path is relative to the working directory, the file's to the file.
        Assert.Equal(Path.GetFullPath("texts"), Path.GetFullPath(config.Data.Paths[0], Path.GetDirectoryName(file)!));
        Assert.Contains($"dipaco plan '{file}'", cli.Standard, StringComparison.Ordinal);
        Assert.Contains($"dipaco train '{file}'", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task APlanSaysThatLossesWouldHaveNoRoom_InBothForms()
    {
        File.WriteAllText(
            _folder["large.yaml"],
            "size: tiny\ndata: { paths: [missing], router_share: 0.3 }\ntopology: { levels: [{ experts: 64 }, { experts: 64 }] }\nevaluation: { reroute_windows: [16] }\n");
        CommandLine text = new();
        CommandLine json = new();

        await text.RunAsync("plan", _folder["large.yaml"]);
        await json.RunAsync("plan", _folder["large.yaml"], "--json");

        Assert.Contains("router split under every path: about ", text.Standard, StringComparison.Ordinal);
        Assert.Contains("Expected", text.Standard, StringComparison.Ordinal);
        Assert.Contains("evaluation.max_token_router_documents of about", json.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InitReplacesAFileOnlyWhenForced()
    {
        File.WriteAllText(_folder["mine.yaml"], "precious");
        CommandLine cli = new();

        int refused = await cli.RunAsync("init", "-o", _folder["mine.yaml"]);

        Assert.Equal(ExitCodes.UserError, refused);
        Assert.Contains("replace it with --force", cli.Error, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(_folder["mine.yaml"]));
        Assert.Equal(ExitCodes.Success, await cli.RunAsync("init", "-o", _folder["mine.yaml"], "--force"));
        Assert.StartsWith("#", File.ReadAllText(_folder["mine.yaml"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InitRefusesAFolderAsItsFile()
    {
        CommandLine cli = new();

        int code = await cli.RunAsync("init", "-o", _folder.Path);

        Assert.Equal(ExitCodes.UserError, code);
        Assert.Contains("is a folder", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PlanShowsPathsModulesStagesAndTheCompleteConfiguration()
    {
        File.WriteAllText(_folder["mine.yaml"], "size: tiny\ndata: { paths: [texts] }\n");
        CommandLine cli = new();

        int code = await cli.RunAsync("plan", _folder["mine.yaml"]);

        Assert.Equal((ExitCodes.Success, ""), (code, cli.Error));
        Assert.Contains("4 of 1.07 M parameters", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("level1.expert0", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("dense at equal steps", cli.Standard, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^memory +[\d.]+ MB to train a path, [\d.]+ MB of it activations", cli.Standard);
        Assert.Matches(@"(?m)^traffic +[\d.]+ MB down and [\d.]+ MB up per phase, if workers were elsewhere", cli.Standard);
        Assert.Matches(@"(?m)^work +[\d.]+ [kM] tokens through models, [\d.]+ TFLOP: training [\d.]+ T, routing [\d.]+ [GT], evaluation [\d.]+ [GT]", cli.Standard);
        Assert.Matches(@"(?m)^time +about [\d.]+ (s|min)( \d+ s)? on this machine", cli.Standard);
        Assert.Contains("  inner_steps: 25", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PlanTakesTheVocabularyOfATokenizersFile_AndSaysSo()
    {
        // As tiktoken writes them: base64 and rank; here the 256 bytes alone.
        File.WriteAllLines(_folder["bytes.tiktoken"], Enumerable.Range(0, 256).Select(b => $"{Convert.ToBase64String([(byte)b])} {b}"));
        File.WriteAllText(_folder["mine.yaml"], "size: tiny\ndata: { paths: [texts] }\ntokenizer: { file: bytes.tiktoken }\n");
        CommandLine cli = new();

        int code = await cli.RunAsync("plan", _folder["mine.yaml"]);

        Assert.Equal((ExitCodes.Success, ""), (code, cli.Error));
        Assert.Contains("257 entries, of bytes.tiktoken", cli.Standard, StringComparison.Ordinal);
        // 257 instead of 2,048 rows of 128.
        Assert.Contains("4 of 837 k parameters", cli.Standard, StringComparison.Ordinal);

        File.Delete(_folder["bytes.tiktoken"]);
        Assert.Equal(ExitCodes.UserError, await cli.RunAsync("plan", _folder["mine.yaml"]));
        Assert.Contains("bytes.tiktoken' (tokenizer.file) does not exist", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PlanLooksAtTheText_AlsoAtOtherThanTheFiles()
    {
        File.WriteAllText(_folder["mine.yaml"], "size: tiny\ndata: { paths: [texts] }\nevaluation: { max_documents: 0 }\n");
        File.WriteAllLines(_folder["two.jsonl"], Enumerable.Range(0, 1000).Select(_ => $$"""{"text":"{{string.Concat(Enumerable.Repeat("word ", 330))}}"}"""));
        CommandLine cli = new();

        await cli.RunAsync("plan", _folder["mine.yaml"]);
        Assert.Contains("taken to be as much as one path trains on", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("texts does not exist", string.Join(' ', cli.Standard.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Contains("routing features", cli.Standard, StringComparison.Ordinal);

        CommandLine other = new();
        int code = await other.RunAsync("plan", _folder["mine.yaml"], "--data", _folder["two.jsonl"], "--json");
        Assert.Equal((ExitCodes.Success, ""), (code, other.Error));
        using JsonDocument json = JsonDocument.Parse(other.Standard);
        JsonElement corpus = json.RootElement.GetProperty("corpus");
        Assert.Equal(("counted", 1000), (corpus.GetProperty("basis").GetString(), corpus.GetProperty("documents").GetInt64()));

        // 1,650 bytes at about 3.3 bytes a token are 502 tokens: sequences of 128 with a prefix of 32 repeated, 128 + 4 × 96 ≥ 501.
        Assert.Equal(5, corpus.GetProperty("sequencesPerDocument").GetDouble());
        JsonElement evaluation = json.RootElement.GetProperty("stages").EnumerateArray().Last();
        Assert.Equal(((4 * 20) + (3 * 50)) * 5 * 128, evaluation.GetProperty("tokens").GetInt64());
    }

    [Fact]
    public async Task PlanSaysThatTheRecordsAreBadAndWhichKeysHelp()
    {
        File.WriteAllText(_folder["mine.yaml"], "size: tiny\ndata: { paths: [ten.jsonl], text_field: body }\n");
        File.WriteAllLines(_folder["ten.jsonl"], Enumerable.Range(0, 10).Select(_ => """{"text":"words"}"""));
        CommandLine cli = new();

        int code = await cli.RunAsync("plan", _folder["mine.yaml"]);

        Assert.Equal((ExitCodes.Success, ""), (code, cli.Error));
        string shown = string.Join(' ', cli.Standard.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("10 of 10 records are bad", shown, StringComparison.Ordinal);
        Assert.Contains("no field 'body'", shown, StringComparison.Ordinal);
        Assert.Contains("set data.text_field, or raise data.max_bad_share.", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheReadmesConfigurationIsOne_OfAsManyPathsAsItSays()
    {
        Match block = Regex.Match(Repository.Read("README.md"), @"(?s)```yaml\n(.+?)```");
        Assert.True(block.Success, "README.md shows no configuration.");
        File.WriteAllText(_folder["readme.yaml"], block.Groups[1].Value);
        CommandLine cli = new();

        int code = await cli.RunAsync("plan", _folder["readme.yaml"], "--json");

        Assert.Equal((ExitCodes.Success, ""), (code, cli.Error));
        using JsonDocument json = JsonDocument.Parse(cli.Standard);
        Assert.Equal("my", json.RootElement.GetProperty("name").GetString());
        Assert.Contains($"= {json.RootElement.GetProperty("paths").GetArrayLength()} paths", block.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PlanAsJsonIsOneObject()
    {
        File.WriteAllText(_folder["mine.yaml"], "size: tiny\ndata: { paths: [texts] }\n");
        CommandLine cli = new();

        await cli.RunAsync("plan", _folder["mine.yaml"], "--json", "--size", "small");

        using JsonDocument json = JsonDocument.Parse(cli.Standard);
        Assert.Equal("small", json.RootElement.GetProperty("size").GetString());
        Assert.True(json.RootElement.GetProperty("totalSeconds").GetDouble() > 0);
        Assert.Contains("\nsize: small", "\n" + json.RootElement.GetProperty("configuration").GetString(), StringComparison.Ordinal);
        Assert.Contains("texts does not exist", json.RootElement.GetProperty("corpusProblem").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnUnknownKeyIsRefusedWithFileLineAndTheNearestKey()
    {
        File.WriteAllText(_folder["mine.yaml"], "size: tiny\ndata: { paths: [texts] }\nrecipe:\n  inner_stops: 3\n");
        CommandLine cli = new();

        int code = await cli.RunAsync("plan", _folder["mine.yaml"]);

        Assert.Equal((ExitCodes.UserError, ""), (code, cli.Standard));
        Assert.Contains("mine.yaml:4", cli.Error, StringComparison.Ordinal);
        Assert.Contains("inner_steps", cli.Error, StringComparison.Ordinal);
    }
}
