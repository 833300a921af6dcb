using DiPaCo.Serving.Chat.Templates;
using Xunit;

namespace DiPaCo.Serving.Tests.Chat.Templates;

/// <summary>The template language, against what Jinja's documentation and Python say.</summary>
public sealed class TemplateTests
{
    private const string Values = """
        {"a": 7, "b": 2, "x": 1.5, "t": true, "f": false, "n": null, "s": " Hello World ", "e": "", "list": [3, 1, 2], "words": ["b", "A", "c", "a"],
         "map": {"k": "v", "m": {"i": 5}}, "people": [{"name": "ann", "age": 3}, {"name": "bob", "age": 1, "gone": true}, {"name": "cy"}]}
        """;

    [Theory]
    [InlineData("{{ 1 + 2 * 3 }}", "7")]
    [InlineData("{{ (1 + 2) * 3 - -1 }}", "10")]
    [InlineData("{{ a / b }} {{ a // b }} {{ a % b }} {{ b ** 3 }} {{ -a // b }} {{ -a % b }}", "3.5 3 1 8 -4 1")]
    [InlineData("{{ 4 / 2 }} {{ 1e3 }} {{ 1.0e-7 }} {{ x * 2 }}", "2.0 1000.0 1e-07 3.0")]
    [InlineData("{{ 'a' ~ 1 ~ none ~ true ~ 1.0 }}", "a1NoneTrue1.0")]
    [InlineData("{{ 'a' + \"b\" }}{{ 'ab' * 2 }}{{ 'x' 'y' }}", "ababab" + "xy")]
    [InlineData("{{ [1, 'a', none, [2.0]] }} {{ {'k': true} }} {{ (1, 2) }} {{ [] }}", "[1, 'a', None, [2.0]] {'k': True} [1, 2] []")]
    [InlineData("{{ a > b and b < 3 or false }} {{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }}", "True True False")]
    [InlineData("{{ e or 'other' }} {{ s and 3 }} {{ not e }}", "other 3 True")]
    [InlineData("{{ 1 == 1.0 }} {{ 'a' != 'b' }} {{ [1, {'a': 2}] == [1, {'a': 2}] }} {{ none == false }}", "True True True False")]
    [InlineData("{{ 1 in list }} {{ 'lo W' in s }} {{ 'k' in map }} {{ 9 not in list }} {{ not 'k' in map }}", "True True True True False")]
    [InlineData("{{ 'yes' if t else 'no' }} {{ 'yes' if f }}|{{ 1 if f else 2 if f else 3 }}", "yes |3")]
    [InlineData("{{ list[0] }}{{ list[-1] }}{{ list[9] }}{{ s[1] }}{{ map['k'] }}{{ map.m.i }}{{ map['m']['i'] }}", "32Hv55")]
    [InlineData("{{ list[1:] }} {{ list[:-1] }} {{ list[::-1] }} {{ list[::2] }} {{ list[5:] }} {{ list[-9:2] }}", "[1, 2] [3, 1] [2, 1, 3] [3, 2] [] [3, 1]")]
    [InlineData("{{ s[1:6] }} {{ 'abc'[::-1] }} {{ 'abcdef'[4:1:-2] }}", "Hello cba ec")]
    [InlineData("{{ nothing }}{{ map.nothing }}{{ map['nothing'] }}|{{ n }}", "|None")]
    [InlineData(@"{{ 'a\n\t\'\x41\u00e9\\d\q' }}", "a\n\t'Aé\\d\\q")]
    public void Expressions(string template, string expected) => Assert.Equal(expected, TemplateLab.Render(template, Values));

    [Theory]
    [InlineData("{{ x is defined }}{{ y is defined }}{{ y is undefined }}{{ n is none }}{{ y is none }}", "TrueFalseTrueTrueFalse")]
    [InlineData("{{ s is string }}{{ map is mapping }}{{ list is iterable }}{{ list is sequence }}{{ s is mapping }}", "TrueTrueTrueTrueFalse")]
    [InlineData("{{ a is number }}{{ x is number }}{{ a is integer }}{{ x is integer }}{{ x is float }}{{ t is boolean }}", "TrueTrueTrueFalseTrueTrue")]
    [InlineData("{{ t is true }}{{ f is false }}{{ a is true }}{{ a is odd }}{{ b is even }}{{ a is divisibleby 7 }}", "TrueTrueFalseTrueTrueTrue")]
    [InlineData("{{ a is eq 7 }}{{ a is equalto(8) }}{{ a is gt 6 }}{{ a is not lt 6 }}{{ 1 is in list }}{{ a is ne 7 }}", "TrueFalseTrueTrueTrueFalse")]
    [InlineData("{{ not y is defined }}{{ a is defined and b is defined }}{{ 'q' if n is none else 'r' }}", "TrueTrueq")]
    [InlineData("{{ a % 2 == 0 is true }}", "False")]
    public void TestsOfValues(string template, string expected) => Assert.Equal(expected, TemplateLab.Render(template, Values));

    [Theory]
    [InlineData("{{ s | trim }}|{{ s.strip() }}|{{ s.lstrip() }}|{{ s.rstrip() }}|{{ 'xxaxx'.strip('x') }}", "Hello World|Hello World|Hello World | Hello World|a")]
    [InlineData("{{ s | length }} {{ list | count }} {{ map | length }} {{ nothing | length }}", "13 3 2 0")]
    [InlineData("{{ 'aB cD' | upper }} {{ 'aB' | lower }} {{ 'aB cD' | title }} {{ 'aB cD' | capitalize }}", "AB CD ab Ab Cd Ab cd")]
    [InlineData("{{ list | join('-') }} {{ people | join(', ', attribute='name') }} {{ ', '.join(words) }}", "3-1-2 ann, bob, cy b, A, c, a")]
    [InlineData("{{ list | first }} {{ list | last }} {{ list | sort }} {{ words | sort | join }} {{ list | sort(reverse=true) }} {{ list | reverse | list }}", "3 2 [1, 2, 3] Aabc [3, 2, 1] [2, 1, 3]")]
    [InlineData("{{ nothing | default('d') }} {{ e | default('d') }}| {{ e | default('d', true) }} {{ e | d('x', boolean=true) }}", "d | d x")]
    [InlineData("{{ 'a-b-c' | replace('-', '+') }} {{ 'a-b-c'.replace('-', '', 1) }}", "a+b+c ab-c")]
    [InlineData("{{ '42' | int + 1 }} {{ 'z' | int }} {{ 3.9 | int }} {{ '1.5' | float }} {{ 5 | string ~ '!' }}", "43 0 3 1.5 5!")]
    [InlineData("{{ people | map(attribute='name') | list }} {{ words | map('upper') | join }}", "['ann', 'bob', 'cy'] BACA")]
    [InlineData("{{ people | selectattr('gone') | map(attribute='name') | list }} {{ people | rejectattr('age', 'defined') | map(attribute='name') | list }}", "['bob'] ['cy']")]
    [InlineData("{{ people | selectattr('name', 'equalto', 'ann') | list | length }} {{ list | select('gt', 1) | list }} {{ list | reject('odd') | list }}", "1 [3, 2] [2]")]
    [InlineData("{{ words | unique | list }} {{ map | items | list }} {{ list | sum }} {{ map.m | dictsort }}", "['b', 'A', 'c'] [['k', 'v'], ['m', {'i': 5}]] 6 [['i', 5]]")]
    [InlineData("{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2, true) }}", "a\n    b\n\n    c|  a\n  b")]
    [InlineData("{{ '<a>' | e }} {{ '<a>' | safe }}", "&lt;a&gt; <a>")]
    [InlineData("{{ map | tojson }} {{ [1.5, none, true, '\"\\n<é'] | tojson }}", """{"k": "v", "m": {"i": 5}} [1.5, null, true, "\"\n<é"]""")]
    [InlineData("{{ map | tojson(indent=2) }}", "{\n  \"k\": \"v\",\n  \"m\": {\n    \"i\": 5\n  }\n}")]
    [InlineData("{{ {'b': 1, 'a': [] } | tojson(separators=(',', ':'), sort_keys=true) }}", """{"a":[],"b":1}""")]
    [InlineData("{{ 'a b  c'.split() }} {{ 'a,b,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ 'a</t>b'.split('</t>')[-1] }}", "['a', 'b', 'c'] ['a', 'b', 'c'] ['a', 'b,c'] b")]
    [InlineData("{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'c')) }}{{ 'abc'.upper() }}{{ 'a b'.title() }}{{ 'abc'.find('c') }}{{ 'aba'.count('a') }}", "TrueTrueABCA B22")]
    [InlineData("{{ map.keys() | list }} {{ map.m.values() | list }} {{ map.get('k') }} {{ map.get('q') }} {{ map.get('q', 1) }} {{ map.m.items() | list }}", "['k', 'm'] [5] v None 1 [['i', 5]]")]
    [InlineData("{{ -3 | abs }} {{ 'x\ny'.splitlines() }}", "3 ['x', 'y']")]
    public void FiltersAndMethods(string template, string expected) => Assert.Equal(expected, TemplateLab.Render(template, Values));

    [Theory]
    [InlineData("{% if a > 8 %}1{% elif a > 6 %}2{% else %}3{% endif %}", "2")]
    [InlineData("{% for i in list %}{{ loop.index }}/{{ loop.length }}:{{ i }}{{ ',' if not loop.last }}{% endfor %}", "1/3:3,2/3:1,3/3:2")]
    [InlineData("{% for i in list %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('x', 'y') }} {% endfor %}", "032True1x 121False32y 210False1x ")]
    [InlineData("{% for i in list if i > 1 %}{{ loop.index }}{{ i }}{% else %}none{% endfor %}|{% for i in [] %}x{% else %}none{% endfor %}", "1322|none")]
    [InlineData("{% for k, v in map.items() %}{{ k }};{% endfor %}{% for k in map %}{{ k }}.{% endfor %}{% for c in 'ab' %}{{ c }}-{% endfor %}", "k;m;k.m.a-b-")]
    [InlineData("{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", "02")]
    [InlineData("{{ range(2, 8, 3) | list }} {{ range(3, 0, -1) | list }}", "[2, 5] [3, 2, 1]")]
    [InlineData("{% set q = 1 %}{% for i in list %}{% set q = i %}{% endfor %}{{ q }}", "1")]
    [InlineData("{% set q = namespace(v=1) %}{% for i in list %}{% set q.v = q.v + i %}{% endfor %}{{ q.v }}", "7")]
    [InlineData("{% set p, q = 1, 2 %}{{ p }}{{ q }}{% set r %}<{{ q }}>{% endset %}{{ r | length }}", "123")]
    [InlineData("{% if t %}{% set q = 5 %}{% endif %}{{ q }}", "5")]
    [InlineData("{% macro m(p, q='d') %}[{{ p }}{{ q }}]{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(q=3, p=4) }}{{ m() }}", "[1d][12][43][d]")]
    [InlineData("{% macro m(n) %}{{ n }}{% if n > 0 %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}", "3210")]
    [InlineData("{% macro m() %}{{ a }}{{ later }}{% endmacro %}{% set later = 1 %}{{ m() }}", "71")]
    [InlineData("a{# no #}b{% raw %}{{ x }}{% endraw %}c{% generation %}{{ a }}{% endgeneration %}", "ab{{ x }}c7")]
    [InlineData("{% set l = [] %}{% set _ = l.append(1) %}{{ l.append(2) or l }}", "[1, 2]")]
    public void Statements(string template, string expected) => Assert.Equal(expected, TemplateLab.Render(template, Values));

    [Theory]
    [InlineData("a\n{% if true %}\nb\n{% endif %}\nc\n", "a\nb\nc")]
    [InlineData("a\n   {% if true %}  \nb{% endif %}", "a\n  \nb")]
    [InlineData("a\n   {{ 1 }}\n", "a\n   1")]
    [InlineData("a  {% if true %}b{% endif %}", "a  b")]
    [InlineData("a \n {%- if true -%} \n b {%- endif %} c", "ab c")]
    [InlineData("a \n {{- 1 -}} \n b", "a1b")]
    [InlineData("a\n  {%+ if true %}b{% endif +%}\nc", "a\n  b\nc")]
    [InlineData("a\n  {# x #}\nb{#- y -#} c", "a\nbc")]
    [InlineData("{% if true %}\n  {% if true %}\n  x\n  {% endif %}\n{% endif %}\ny\n\n", "  x\ny\n")]
    [InlineData("a\r\n{% set q = 1 %}\r\nb\r\n", "a\nb")]
    [InlineData("{{ {'a': {'b': 1}} }}{{ '}}' }}{{ '%}' }}", "{'a': {'b': 1}}}}%}")]
    public void WhiteSpaceIsJinjasWithTrimAndLstripOfBlocks(string template, string expected) => Assert.Equal(expected, TemplateLab.Render(template, Values));

    [Theory]
    [InlineData("a\n{% if x %}", "line 2: 'if' is not closed; expected '{% endif %}'.")]
    [InlineData("a\n{{ 1", "line 2: '{{' is not closed; expected '}}'.")]
    [InlineData("{{ 1 + }}", "line 1: '}}' stands where a value was expected.")]
    [InlineData("{% for x in y %}{% endif %}", "line 1: 'endif' stands where 'else' or 'endfor' was expected.")]
    [InlineData("{% endif %}", "line 1: 'endif' closes nothing that is open.")]
    [InlineData("\n\n{% include 'x' %}", "line 3: the statement 'include' is not known; expected one of if, for, set, macro, generation, break, continue, raw.")]
    [InlineData("{{ x | nothing }}", "line 1: the filter 'nothing' is not known; expected one of abs, capitalize,")]
    [InlineData("{{ x is nothing }}", "line 1: the test 'nothing' is not known; expected one of ")]
    [InlineData("{{ 'a }}", "line 1: a string is not closed; expected '.")]
    [InlineData("{{ (1] }}", "line 1: ']' closes nothing that is open.")]
    [InlineData("{{ ? }}", "line 1: the character '?' (U+003F) has no meaning here.")]
    [InlineData("{{ 99999999999999999999 }}", "line 1: the number '99999999999999999999' is too large.")]
    [InlineData("{% break %}", "line 1: 'break' stands outside of a loop.")]
    [InlineData("{# a", "line 1: a comment is not closed; expected '#}'.")]
    public void ATemplateThatCannotBeReadSaysWhereAndWhy(string template, string message) =>
        Assert.StartsWith(message, Assert.Throws<TemplateException>(() => ChatTemplate.Parse(template)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a\n{{ nothing.a }}", "line 2: 'nothing' is undefined, and 'a' of it is asked for.")]
    [InlineData("{{ 1 + 'a' }}", "line 1: '+' stands between a whole number and a text; expected two numbers, texts or lists.")]
    [InlineData("{{ 1 // 0 }}", "line 1: a division by 0.")]
    [InlineData("{{ 9223372036854775807 + 1 }}", "line 1: the result of '+' is too large a number.")]
    [InlineData("{{ nothing() }}", "line 1: 'nothing' is not known as a function or a method.")]
    [InlineData("{% for x in 5 %}{% endfor %}", "line 1: a whole number cannot be gone through; expected a list, a map or a text.")]
    [InlineData("{% set map.x = 1 %}", "line 1: 'map' is a map; only members of a namespace can be set.")]
    [InlineData("{{ 'a' < 1 }}", "line 1: a text and a whole number have no order; expected two numbers or two texts.")]
    [InlineData("{{ words | sort(attribute='q') }}{{ [1, 'a'] | sort }}", "line 1: ")]
    [InlineData("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "line 1: 'm': 2 values are given; expected at most 1.")]
    public void ATemplateThatFailsSaysWhereAndWhy(string template, string message)
    {
        TemplateException failure = Assert.Throws<TemplateException>(() => TemplateLab.Render(template, Values));
        Assert.StartsWith(message, failure.Message, StringComparison.Ordinal);
        Assert.False(failure.IsRaised);
    }

    [Fact]
    public void WhatATemplateRaisesIsItsOwnMessage()
    {
        TemplateException raised = Assert.Throws<TemplateException>(() => TemplateLab.Render("{% if a != 1 %}{{ raise_exception('a is ' ~ a) }}{% endif %}", Values));
        Assert.True(raised.IsRaised);
        Assert.Equal("a is 7", raised.Message);
    }

    [Fact]
    public void TheTimeIsTheClocks()
    {
        FixedTime time = new(new DateTimeOffset(2026, 3, 5, 17, 4, 9, TimeSpan.Zero));
        Assert.Equal("05 March 2026, 5/Mar Thu 05PM 17:04:09 064", TemplateLab.Render("{{ strftime_now('%d %B %Y, %-d/%b %a %I%p %H:%M:%S %j') }}", "{}", time));
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => now;
    }
}
