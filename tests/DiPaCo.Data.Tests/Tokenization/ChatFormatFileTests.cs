using System.Text;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Data.Tests;

/// <summary>Chat templates beside tokenizers.</summary>
public sealed class ChatFormatFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dipaco-test-").FullName;

    private string Config => Path.Combine(_folder, ChatFormatFile.ConfigName);

    private string Template => Path.Combine(_folder, ChatFormatFile.TemplateName);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void TheTemplateAndTheTokensOfATokenizersConfigurationAreFound()
    {
        File.WriteAllText(Config, """
            {"chat_template": "{{ a }}", "bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}, "pad_token": null, "model_max_length": 1e30, "added_tokens_decoder": {"0": {}}}
            """);
        ChatFormat expected = new("{{ a }}") { Beginning = "<s>", End = "</s>" };
        Assert.Equal((Config, expected), ChatFormatFile.Find([Path.Combine(_folder, "nowhere"), _folder]));
        Assert.Equal(expected, ChatFormatFile.Read(Config));
    }

    [Fact]
    public void OfSeveralTemplatesTheDefaultOneIsTaken()
    {
        File.WriteAllText(Config, """{"chat_template": [{"name": "rag", "template": "1"}, {"name": "default", "template": "2"}]}""");
        Assert.Equal("2", ChatFormatFile.Find([_folder])!.Value.Format.Template);
        File.WriteAllText(Config, """{"chat_template": [{"name": "rag", "template": "1"}]}""");
        Assert.Null(ChatFormatFile.Find([_folder]));
    }

    [Fact]
    public void AFileOfTheTemplateAloneGoesBeforeAndTheTokensStayThoseOfTheConfiguration()
    {
        File.WriteAllText(Config, """{"chat_template": "old", "eos_token": "</s>"}""");
        File.WriteAllText(Template, "\uFEFFnew\n");
        Assert.Equal((Template, new ChatFormat("new\n") { End = "</s>" }), ChatFormatFile.Find([_folder]));
        File.Delete(Config);
        Assert.Equal(new ChatFormat("new\n"), ChatFormatFile.Read(Template));
    }

    [Fact]
    public void WithoutATemplateThereIsNone()
    {
        Assert.Null(ChatFormatFile.Find([_folder]));
        File.WriteAllText(Config, """{"eos_token": "</s>", "chat_template": null}""");
        Assert.Null(ChatFormatFile.Find([_folder]));
        Assert.Contains("has no chat_template", Assert.Throws<DiPaCoException>(() => ChatFormatFile.Read(Config)).Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Assert.Throws<DiPaCoException>(() => ChatFormatFile.Read(Template)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{", "is not a tokenizer_config.json")]
    [InlineData("[1]", "is not a tokenizer_config.json")]
    [InlineData("3", "is not a tokenizer_config.json")]
    [InlineData("""{"chat_template": 3}""", "is not a tokenizer_config.json")]
    [InlineData("""{"chat_template": {"a": 1}}""", "is not a tokenizer_config.json")]
    [InlineData("""{"chat_template": [3]}""", "is not a tokenizer_config.json")]
    [InlineData("""{"chat_template": "a", "eos_token": 3}""", "is not a tokenizer_config.json")]
    [InlineData("""{"chat_template": "a", "eos_token": ""}""", "'eos_token'")]
    [InlineData("""{"chat_template": " "}""", "is empty")]
    [InlineData("""{"chat_template": "a", "chat_template": "b"}""", "is not a tokenizer_config.json")]
    public void ADamagedConfigurationIsRefusedByName(string json, string message)
    {
        File.WriteAllText(Config, json);
        DiPaCoException failure = Assert.Throws<DiPaCoException>(() => ChatFormatFile.Find([_folder]));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        Assert.Contains(Config, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ATemplateBeyondReasonIsRefused()
    {
        File.WriteAllText(Template, new string('a', ChatFormatFile.MaximumTemplate + 1));
        Assert.Contains("characters", Assert.Throws<DiPaCoException>(() => ChatFormatFile.Find([_folder])).Message, StringComparison.Ordinal);
        File.WriteAllText(Template, new string('a', (4 * ChatFormatFile.MaximumTemplate) + 1));
        Assert.Contains("bytes", Assert.Throws<DiPaCoException>(() => ChatFormatFile.Find([_folder])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatARunKeepsComesBackAndIsAConfigurationItself()
    {
        ChatFormat format = new("{{ 'é' }}\n<|x|>") { Beginning = "<s>", End = "</s>", Padding = "<p>", Unknown = "<u>" };
        byte[] file = ChatFormatFile.Write(format);
        Assert.Equal(file, ChatFormatFile.Write(ChatFormatFile.Load(file, "it")));
        Assert.Equal(format, ChatFormatFile.Load(file, "it"));
        File.WriteAllBytes(Config, file);
        Assert.Equal(format, ChatFormatFile.Read(Config));
        foreach (string damaged in new[] { "{}", "{", "3", """{"chat_template":3}""" })
        {
            Assert.Contains("it is damaged", Assert.Throws<DiPaCoException>(() => ChatFormatFile.Load(Encoding.UTF8.GetBytes(damaged), "it")).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void WithoutAnyTokenTheTokenizersOwnIsBeginningAndEnd()
    {
        Assert.Equal(new ChatFormat("a") { Beginning = "<e>", End = "<e>" }, new ChatFormat("a").WithTokens("<e>"));
        Assert.Equal(new ChatFormat("a") { End = "<x>" }, new ChatFormat("a") { End = "<x>" }.WithTokens("<e>"));
    }
}
