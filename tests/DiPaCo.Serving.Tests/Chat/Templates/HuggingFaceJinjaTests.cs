using System.Text.Json.Nodes;
using DiPaCo.Serving.Chat.Templates;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Chat.Templates;

/// <summary>The same templates and values through Hugging Face's own interpreter for JavaScript, which prints truth values as JavaScript does, not as Python.</summary>
public sealed class HuggingFaceJinjaTests
{
    private static readonly string[] Conversations =
    [
        """[{"role": "user", "content": "Hello"}]""",
        """[{"role": "system", "content": "  Be kind.\n"}, {"role": "user", "content": "What is \"é\"?\n"}, {"role": "assistant", "content": " A letter. "}, {"role": "user", "content": "\ud83d\ude00 <b>&amp;</b>"}]""",
        """[{"role": "user", "content": "a"}, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nb"}, {"role": "user", "content": "  c  "}]""",
        """[{"role": "assistant", "content": "I begin."}, {"role": "user", "content": "No."}]""",
        """[{"role": "user", "content": "one"}, {"role": "user", "content": "two"}, {"role": "system", "content": "late"}]""",
    ];

    private static readonly string[] Small =
    [
        "{% for m in messages %}{{ loop.index ~ '/' ~ loop.length ~ ':' ~ m.role }}{{ ', ' if not loop.last else '.' }}{% endfor %}",
        "{% set x = messages | map(attribute='content') | join('|') %}{{ x | length }} {{ x | upper }} {{ x[:3] }} {{ x[-3:] }}",
        "{% for m in messages if m.role == 'user' %}{{ m.content | replace('e', '3') }}{% else %}nobody{% endfor %}",
        "{% if not messages[0].name is defined and messages[0].content is string and messages is iterable %}ok{% endif %} {{ messages[0].get('name', 'x') }}",
        "{{ (messages | last).content | trim | title }} {{ (messages | first).role | capitalize }} {{ 'odd' if messages | length % 2 == 1 else 'even' }}",
        "{{ messages | tojson }}\n{{ messages[0] | tojson(indent=2) }}",
        "{{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ messages | rejectattr('role', 'equalto', 'user') | list | length }}",
        "{%- set n = namespace(f=false, s='') -%}{% for m in messages %}{% if m.role == 'system' %}{% set n.f = true %}{% endif %}{% set n.s = m.role[0] ~ n.s %}{% endfor %}{{ n.s if n.f else 'none' }}",
        "{% macro show(m, mark='*') %}{{ mark }}{{ m.content.strip() }}{{ mark }}{% endmacro %}{% for m in messages %}{{ show(m) }}{{ show(m, mark='-') }}{% endfor %}",
        "{{ 7 // 2 }} {{ 7 % 3 }} {{ 2 * 3 + 4 }} {{ 1.5 + 2 }} {{ 'in' if 'a' in 'abc' and 3 not in [1, 2] else 'out' }} {{ range(3) | list | join }} {{ [3, 1, 2] | sort | join }}",
        "  {% if true %}\n  x\n  {% endif %}\n{# c #}\ny  {%- if false %}z{% endif %}\n{{ messages[0].content.split(' ') | join('_') }}\n",
        "{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}{{ messages[0].keys() | list | join(',') }}",
        "{% for m in messages %}{% if loop.index0 == 1 %}{% continue %}{% endif %}{% if loop.index0 == 3 %}{% break %}{% endif %}{{ m.role }} {% endfor %}",
        "{{ 'x' if messages | length > 2 else 'y' }}{{ messages[::-1] | map(attribute='role') | list | join(' ') }}{{ messages[1:] | length }}",
        "{{ 'H' if messages[0].content.startswith('H') }} {{ 'c' if 'abc'.endswith('bc') }} {{ ' a '.lstrip() ~ '|' ~ ' a '.rstrip() }} {{ ('a\\nb' | indent(2)) }}",
    ];

    [Fact]
    public async Task EveryTemplateOfEveryFamilyRendersAsTheirs()
    {
        string[] templates = [Families.ChatMl, Families.Headers, Families.Brackets, Families.Turns, Families.Tools, .. Small];
        (string Template, JsonObject Values)[] cases =
        [
            .. from template in templates from messages in Conversations select (template, ValuesOf(messages)),
            (Families.Tools, ToolValues()),
        ];
        JsonArray theirs = await RenderOrSkipAsync(cases);
        int raised = 0;
        for (int at = 0; at < cases.Length; at++)
        {
            string? expected = theirs[at]!["text"]?.GetValue<string>();
            if (expected is null)
            {
                TemplateException failure = Assert.Throws<TemplateException>(() => TemplateLab.Render(cases[at].Template, cases[at].Values.ToJsonString()));
                Assert.True(failure.IsRaised, $"{failure.Message}, theirs: {theirs[at]!["error"]}");
                Assert.Equal(failure.Message, theirs[at]!["error"]!.GetValue<string>());
                raised++;
                continue;
            }

            string ours = TemplateLab.Render(cases[at].Template, cases[at].Values.ToJsonString());
            Assert.True(expected == ours, $"case {at}\n{cases[at].Template}\ntheirs:\n{expected}\nours:\n{ours}");
        }

        Assert.InRange(raised, 1, cases.Length / 10);
    }

    private static JsonObject ValuesOf(string messages) => new()
    {
        ["messages"] = JsonNode.Parse(messages), ["add_generation_prompt"] = true, ["bos_token"] = "<s>", ["eos_token"] = "</s>",
    };

    private static JsonObject ToolValues()
    {
        JsonObject values = ValuesOf("""
            [{"role": "user", "content": "Weather?"},
             {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Köln", "days": 2, "exact": true}}}]},
             {"role": "tool", "content": "rain"}]
            """);
        values["tools"] = JsonNode.Parse("""
            [{"type": "function", "function": {"name": "weather", "description": "Says \"it\".", "parameters": {"type": "object",
              "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "exact": {}}, "required": ["city"]}}}]
            """);
        return values;
    }

    private static async Task<JsonArray> RenderOrSkipAsync((string Template, JsonObject Values)[] cases)
    {
        JsonArray input = [.. cases.Select(one => (JsonNode)new JsonObject { ["template"] = one.Template, ["values"] = one.Values.DeepClone() })];
        return JsonNode.Parse(await NodeScript.RunOrSkipAsync(
            "openai", Path.Combine("@huggingface", "jinja"), "@huggingface/jinja is not installed: npm install --prefix tests/openai --no-package-lock",
            "jinja.mjs", [], input.ToJsonString()))!.AsArray();
    }
}
