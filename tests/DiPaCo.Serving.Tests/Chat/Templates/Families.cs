namespace DiPaCo.Serving.Tests.Chat.Templates;

/// <summary>Templates in the manner of well-known families of models, written for these tests.</summary>
internal static class Families
{
    /// <summary>Messages between two marks, as ChatML has them.</summary>
    public const string ChatMl = """
        {%- if messages and messages[0].role == 'system' %}
            {{- '<|im_start|>system\n' + messages[0].content | trim + '<|im_end|>\n' }}
        {%- else %}
            {{- '<|im_start|>system\nAnswer briefly.<|im_end|>\n' }}
        {%- endif %}
        {%- for message in messages %}
            {%- if message.role in ['user', 'assistant'] or (message.role == 'system' and not loop.first) %}
                {{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}
            {%- endif %}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- '<|im_start|>assistant\n' }}
        {%- endif %}
        """;

    /// <summary>Roles between header marks behind a token that begins the text, with a day in the first of them.</summary>
    public const string Headers = """
        {{- bos_token }}
        {%- if day is not defined %}{%- set day = '05 Mar 2026' %}{%- endif %}
        {%- set first = messages[0]['role'] == 'system' %}
        {{- '<|start_header_id|>system<|end_header_id|>\n\n' ~ 'Today: ' ~ day ~ '\n\n' }}
        {%- if first %}{{- messages[0]['content'] | trim }}{%- set messages = messages[1:] %}{%- endif %}
        {{- '<|eot_id|>' }}
        {% for m in messages %}
        {%- set text = '<|start_header_id|>' ~ m.role ~ '<|end_header_id|>\n\n' ~ m.content | trim ~ '<|eot_id|>' %}
        {{- text }}
        {%- endfor %}
        {%- if add_generation_prompt -%}
        <|start_header_id|>assistant<|end_header_id|>

        {% endif %}
        """;

    /// <summary>Instructions in brackets; the two must speak in turns.</summary>
    public const string Brackets = """
        {{ bos_token }}{% set offset = 1 if messages[0]['role'] == 'system' else 0 %}{% for message in messages %}
        {% if loop.index0 >= offset and (message['role'] == 'user') != ((loop.index0 - offset) % 2 == 0) %}
            {{ raise_exception('user and assistant must take turns') }}
        {% endif %}
        {% if message['role'] == 'user' %}{{ '[INST] ' + (messages[0]['content'] + '\n\n' if offset and loop.index0 == 1 else '') + message['content'] + ' [/INST]' }}
        {% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] | trim + eos_token }}
        {% endif %}{% endfor %}
        """;

    /// <summary>Turns with marks at both ends; the assistant is called model.</summary>
    public const string Turns = """
        {{ bos_token }}
        {%- macro said(text) -%}{%- if text is string -%}{{ text | trim }}{%- else -%}{%- for part in text -%}{{ part['text'] | trim }}{%- endfor -%}{%- endif -%}{%- endmacro -%}
        {% for message in messages -%}
            {%- set role = 'model' if message.role == 'assistant' else message.role -%}
            <start_of_turn>{{ role }}
        {{ said(message.content) }}<end_of_turn>
        {% endfor -%}
        {%- if add_generation_prompt -%}
        <start_of_turn>model
        {% endif %}
        """;

    /// <summary>Tools as JSON in the system's turn, what they gave as turns of the user's.</summary>
    public const string Tools = """
        {%- set ns = namespace(last=-1, count=0) %}
        {%- for m in messages[::-1] %}{%- if m.role == 'user' and ns.last < 0 %}{%- set ns.last = messages | length - 1 - loop.index0 %}{%- endif %}{%- endfor %}
        {%- if tools is defined and tools %}
            {{- '<tools>\n' }}
            {%- for tool in tools %}
                {%- set f = tool.function if tool.function is defined else tool %}
                {{- f | tojson }}{{ '\n' }}
                {%- for name, p in f.parameters.properties.items() %}
                    {{- '- ' ~ name ~ ': ' ~ (p.type | default('any')) ~ (' (needed)' if name in f.parameters.required else '') }}{{ '\n' }}
                {%- endfor %}
            {%- endfor %}
            {{- '</tools>\n' }}
        {%- endif %}
        {%- for m in messages %}
            {%- set ns.count = ns.count + 1 %}
            {%- if m.tool_calls is defined and m.tool_calls %}
                {%- for call in m.tool_calls %}
                    {{- '<call>' ~ call.function.name ~ ' ' ~ (call.function.arguments if call.function.arguments is string else call.function.arguments | tojson) ~ '</call>\n' }}
                {%- endfor %}
            {%- elif '</think>' in m.content %}
                {{- m.role ~ ': ' ~ m.content.split('</think>')[-1].lstrip('\n') }}{{ '\n' }}
            {%- else %}
                {{- m.role | upper ~ ': ' ~ m.content ~ (' *' if loop.index0 == ns.last else '') }}{{ '\n' }}
            {%- endif %}
        {%- endfor %}
        {{- ns.count ~ ' ' ~ (messages | selectattr('role', 'equalto', 'user') | list | length) ~ ' ' ~ (messages | map(attribute='role') | join(',')) }}
        """;
}
