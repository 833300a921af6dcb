using DiPaCo.Serving.Chat.Templates;
using Xunit;

namespace DiPaCo.Serving.Tests.Chat.Templates;

/// <summary>Templates that want to hang the server, or to eat its memory.</summary>
public sealed class HostileTemplateTests
{
    [Theory]
    [InlineData("{% for a in range(100000000000) %}{% endfor %}", "steps")]
    [InlineData("{% for a in range(2000) %}{% for b in range(2000) %}{% endfor %}{% endfor %}", "steps")]
    [InlineData("{{ [0] * 1000000000 }}", "steps")]
    [InlineData("{{ [] * 1000000000 }}", "steps")]
    [InlineData("{{ '' * 1000000000 }}", "steps")]
    [InlineData("{{ 'a' * 1000000000 }}", "characters")]
    [InlineData("{% set q = namespace(s='aaaaaaaa') %}{% for i in range(60) %}{% set q.s = q.s ~ q.s %}{% endfor %}", "characters")]
    [InlineData("{% set q = namespace(l=[1]) %}{% for i in range(60) %}{% set q.l = q.l + q.l %}{% endfor %}", "steps")]
    [InlineData("{% set s = 'a' * 100000 %}{% for i in range(1000) %}{{ s }}{% endfor %}", "characters")]
    [InlineData("{% set s = 'aaaaaaaaaa' * 200000 %}{% set p = ('aaaaaaaaaa' * 100000) ~ 'b' %}{{ p in s }}", "characters")]
    [InlineData("{% set s = 'aaaaaaaaaa' * 10000 %}{{ s.replace('a', s) }}", "characters")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "deep")]
    [InlineData("{% macro m(n) %}{% for i in range(9) %}{{ m(n + 1) if n < 9 }}{% endfor %}{% endmacro %}{{ m(0) }}", "steps")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{{ l }}", "deep")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{{ l | tojson }}", "deep")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{% set k = [] %}{% set _ = k.append(k) %}{{ l == k }}", "deep")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{% set _ = l.append(l) %}{% set _ = l.append(l) %}{{ l }}", "deep")]
    [InlineData("{% set l = [] %}{% set _ = l.append(l) %}{% set _ = l.append(l) %}{% set k = [] %}{% set _ = k.append(k) %}{% set _ = k.append(k) %}{{ l < k }}", "deep")]
    [InlineData("{{ 10 ** 64 }}", "too large")]
    [InlineData("{% set a = ('a' * 2000) * 2000 %}{{ a.strip((('b' * 2000) * 2000) ~ 'a') }}", "characters")]
    [InlineData("{% set a = ('a' * 2000) * 2000 %}{% for i in range(1000) %}{% set x = a.startswith(a) %}{% endfor %}", "characters")]
    [InlineData("{% set a = ('a' * 2000) * 2000 %}{% for i in range(1000) %}{% set x = a is lower %}{% endfor %}", "characters")]
    [InlineData("{% set a = (' ' * 2000) * 2000 %}{% for i in range(1000) %}{% set x = a | int %}{% endfor %}", "characters")]
    [InlineData("{% set a = ('a' * 2000) * 2000 %}{% set m = {'b': 1} %}{% for i in range(1000) %}{% set x = m[a] %}{% endfor %}", "characters")]
    [InlineData("{% set a = ('a' * 2000) * 2000 %}{% set m = {'b': 1} %}{% for i in range(1000) %}{% set x = a in m %}{% endfor %}", "characters")]
    [InlineData("{% set m = {} %}{% set a = ('a' * 2000) * 2000 %}{% set m = {'b' ~ a: 1, 'c' ~ a: 2} %}{% for i in range(1000) %}{% set x = m | dictsort %}{% endfor %}", "characters")]
    [InlineData("{{ '\n' * 100000 | indent(64) | indent(64) }}", "two numbers")]
    [InlineData("{{ (range(1000) | list) | sort | map('string') | map('trim') | map('length') | sum | string * 100000000 }}", "characters")]
    public void BoundsEndIt(string template, string message) =>
        Assert.Contains(message, Assert.Throws<TemplateException>(() => TemplateLab.Render(template)).Message, StringComparison.Ordinal);

    [Fact]
    public void AStepOfTheLeastNumberThereIsIsAStep() =>
        Assert.Equal("c", TemplateLab.Render("{{ 'abc'[::-9223372036854775807 - 1] }}"));

    [Fact]
    public void NestingIsBoundedBeforeTheStackIs()
    {
        foreach ((string open, string close) in new[] { ("(", ")"), ("[", "]"), ("-", ""), ("not ", ""), ("{'a':", "}"), ("f(", ")"), ("1 if ", "") })
        {
            string template = $"{{{{ {string.Concat(Enumerable.Repeat(open, 50_000))}1{string.Concat(Enumerable.Repeat(close, 50_000))} }}}}";
            Assert.Throws<TemplateException>(() => TemplateLab.Render(template));
        }

        foreach (string link in new[] { ".a", "[0]", "()", "|trim", " is defined", "+1", "~1", " and 1", " or 0", "**1", "*1" })
        {
            string template = $"{{{{ 1{string.Concat(Enumerable.Repeat(link, 50_000))} }}}}";
            Assert.Throws<TemplateException>(() => TemplateLab.Render(template));
        }

        Assert.Throws<TemplateException>(() => TemplateLab.Render(string.Concat(Enumerable.Repeat("{% if 1 %}", 50_000))));
        Assert.Throws<TemplateException>(() => TemplateLab.Render(string.Concat(Enumerable.Repeat("{% for a in [1] %}", 300)) + string.Concat(Enumerable.Repeat("{% endfor %}", 300))));
        Assert.Throws<TemplateException>(() => TemplateLab.Render(string.Concat(Enumerable.Repeat("{% if 0 %}{% el", 5_000))));
    }

    [Fact]
    public void CutAndChangedTemplatesAreReadOrRefusedButNeverMore()
    {
        const string Template =
            "{%- set ns = namespace(a=1) %}{% for m in messages if m.role != 'x' %}{{ '<|' ~ m['role'] + '|>' ~ m.content | trim }}\n{% set ns.a = ns.a + loop.index %}"
            + "{% endfor %}{% macro q(a, b=[1, 2][::-1]) %}{{ {'a': a, 'b': b} | tojson(indent=1) }}{% endmacro %}{{ q(ns.a) if messages | length > 0 and not false else 'no' }}{# c #}";
        const string Values = """{"messages": [{"role": "user", "content": " hi "}, {"role": "x", "content": ""}]}""";
        Random random = new(4);
        for (int at = 0; at < 3_000; at++)
        {
            int from = random.Next(Template.Length);
            string changed = random.Next(3) switch
            {
                0 => Template[..from],
                1 => Template.Remove(from, Math.Min(random.Next(1, 6), Template.Length - from)),
                _ => Template.Insert(from, Template.Substring(random.Next(Template.Length - 8), 8)),
            };
            try
            {
                TemplateLab.Render(changed, Values);
            }
            catch (TemplateException)
            {
                // That is the other thing that may happen.
            }
        }
    }
}
