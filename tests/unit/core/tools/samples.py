"""Answers as models of each family write them, and what they call; and answers that only look so."""

from __future__ import annotations

from sigmavault.core.chat import Tool
from sigmavault.core.tools import ToolFormat

POOL_STATUS = Tool(
    name="pool_status",
    description="State of a storage pool.",
    parameters={
        "type": "object",
        "properties": {
            "pool": {"type": "string", "enum": ["tank", "backup"]},
            "verbose": {"type": "boolean"},
        },
        "required": ["pool"],
    },
)
SNAPSHOT = Tool(
    name="snapshot-create",
    description="Make a snapshot.",
    parameters={
        "type": "object",
        "properties": {
            "dataset": {"type": "string", "minLength": 1, "maxLength": 40},
            "keep": {"type": "integer", "minimum": 1, "maximum": 365},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 8}, "maxItems": 3},
            "note": {"type": ["string", "null"], "maxLength": 20},
        },
        "required": ["dataset", "keep"],
        "additionalProperties": False,
    },
)
UPTIME = Tool(name="uptime", description="How long the machine runs.")
TOOLS = (POOL_STATUS, SNAPSHOT, UPTIME)

H, M, A, P, L, G = (
    ToolFormat.HERMES,
    ToolFormat.MISTRAL,
    ToolFormat.MISTRAL_ARGS,
    ToolFormat.PYTHONIC,
    ToolFormat.LLAMA3,
    ToolFormat.GENERIC,
)

Calls = list[tuple[str, dict[str, object]]]
TANK: Calls = [("pool_status", {"pool": "tank"})]
BOTH: Calls = [*TANK, ("uptime", {})]
SNAP: Calls = [("snapshot-create", {"dataset": "tank/a", "keep": 7, "tags": ["x", "}{"], "note": None})]

CALLS: dict[str, tuple[ToolFormat, str, str, Calls]] = {
    "qwen 3": (
        H,
        '<tool_call>\n{"name": "pool_status", "arguments": {"pool": "tank"}}\n</tool_call>',
        "",
        TANK,
    ),
    "qwen 2.5 with text": (
        H,
        'I will look.\n<tool_call>\n{"name": "pool_status", "arguments": {"pool": "tank"}}\n</tool_call>',
        "I will look.\n",
        TANK,
    ),
    "qwen 3, two calls": (
        H,
        '<tool_call>\n{"name": "pool_status", "arguments": {"pool": "tank"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "uptime", "arguments": {}}\n</tool_call>',
        "",
        BOTH,
    ),
    "qwen 3 after thinking": (
        H,
        '<think>\n\n</think>\n\n<tool_call>\n{"name": "uptime", "arguments": {}}\n</tool_call>',
        "<think>\n\n</think>\n\n",
        [("uptime", {})],
    ),
    "granite 4": (H, '<tool_call>{"name": "uptime", "arguments": {}}</tool_call>', "", [("uptime", {})]),
    "smollm3, brackets in strings": (
        H,
        '<tool_call>{"name": "snapshot-create", "arguments": {"dataset": "tank/a", "keep": 7, '
        '"tags": ["x", "}{"], "note": null}}</tool_call>',
        "",
        SNAP,
    ),
    "hermes 3, arguments first": (
        H,
        '<tool_call>\n{"arguments": {"pool": "tank"}, "name": "pool_status"}\n</tool_call>\n',
        "",
        TANK,
    ),
    "hermes without closing marker": (
        H,
        '<tool_call>\n{"name": "pool_status", "arguments": {"pool": "tank"}}\n',
        "",
        TANK,
    ),
    "hermes, arguments as text": (
        H,
        '<tool_call>{"name": "pool_status", "arguments": "{\\"pool\\": \\"tank\\"}"}</tool_call>',
        "",
        TANK,
    ),
    "hermes, closing marker in a string": (
        H,
        '<tool_call>{"name": "snapshot-create", "arguments": {"dataset": "</tool_call>", '
        '"keep": 1}}</tool_call>',
        "",
        [("snapshot-create", {"dataset": "</tool_call>", "keep": 1})],
    ),
    "hermes, text behind": (
        H,
        '<tool_call>{"name": "uptime", "arguments": {}}</tool_call>\nDone.',
        "\nDone.",
        [("uptime", {})],
    ),
    "mistral nemo": (
        M,
        '[TOOL_CALLS][{"name": "pool_status", "arguments": {"pool": "tank"}, "id": "a1b2c3d4e"}]',
        "",
        TANK,
    ),
    "mistral 7b, two calls": (
        M,
        '[TOOL_CALLS] [{"name": "pool_status", "arguments": {"pool": "tank"}}, '
        '{"name": "uptime", "arguments": {}}]',
        "",
        BOTH,
    ),
    "mistral small 3.2": (A, '[TOOL_CALLS]pool_status[CALL_ID]a1b2c3d4e[ARGS]{"pool": "tank"}', "", TANK),
    "devstral, two calls": (
        A,
        'Let me see.[TOOL_CALLS]pool_status[ARGS]{"pool": "tank"}[TOOL_CALLS]uptime[ARGS]{}',
        "Let me see.",
        BOTH,
    ),
    "lfm2": (P, '<|tool_call_start|>[pool_status(pool="tank")]<|tool_call_end|>', "", TANK),
    "lfm2, two calls": (
        P,
        "<|tool_call_start|>[pool_status(pool='tank'), uptime()]<|tool_call_end|>",
        "",
        BOTH,
    ),
    "lfm2, literals": (
        P,
        "<|tool_call_start|>[snapshot-create(dataset=\"tank/a\", keep=7, tags=['x', '}{'], note=None)]"
        "<|tool_call_end|>Made.",
        "Made.",
        SNAP,
    ),
    "lfm2, json inside": (
        P,
        '<|tool_call_start|>[{"name": "pool_status", "arguments": {"pool": "tank"}}]<|tool_call_end|>',
        "",
        TANK,
    ),
    "lfm2, json constants": (
        P,
        '<|tool_call_start|>[pool_status(pool="tank", verbose=true)]<|tool_call_end|>',
        "",
        [("pool_status", {"pool": "tank", "verbose": True})],
    ),
    "llama 3.2": (L, '{"name": "pool_status", "parameters": {"pool": "tank"}}', "", TANK),
    "llama 3.1": (
        L,
        '<|python_tag|>{"type": "function", "name": "pool_status", "parameters": {"pool": "tank"}}',
        "",
        TANK,
    ),
    "llama 3.3, two calls": (
        L,
        '{"name": "pool_status", "parameters": {"pool": "tank"}}; {"name": "uptime", "parameters": {}}',
        "",
        BOTH,
    ),
    "smollm2 as told": (
        G,
        '<tool_call>\n{"name": "pool_status", "arguments": {"pool": "tank"}}\n</tool_call>',
        "",
        TANK,
    ),
}

TEXTS: dict[str, tuple[ToolFormat, str]] = {
    "plain": (H, "The pool is healthy."),
    "nothing": (H, ""),
    "white space": (H, "\n\n "),
    "unknown tool": (H, '<tool_call>{"name": "rm", "arguments": {}}</tool_call>'),
    "broken json": (H, '<tool_call>{"name": "uptime", "arguments": {}</tool_call> and more'),
    "no object": (H, '<tool_call>{"name": "uptime", "arguments": [1]}</tool_call>'),
    "not a number": (H, '<tool_call>{"name": "uptime", "arguments": {"a": NaN}}</tool_call>'),
    "beyond a number": (H, '<tool_call>{"name": "uptime", "arguments": {"a": 1e999}}</tool_call>'),
    "name of the wrong kind": (H, '<tool_call>{"name": 3, "arguments": {}}</tool_call>'),
    "cut off": (H, '<tool_call>{"name": "upt'),
    "marker cut off": (H, "a <tool_ca"),
    "marker alone": (H, "<tool_call>"),
    "words behind the marker": (H, "Write <tool_call> to call a tool."),
    "nested too deep": (H, "<tool_call>" + '{"a":' * 200),
    "wrong brackets": (H, "<tool_call>{]"),
    "mistral words": (M, "[TOOL_CALLS] is a token"),
    "mistral unknown among known": (M, '[TOOL_CALLS][{"name": "uptime"}, {"name": "rm"}]'),
    "mistral without arguments": (A, "[TOOL_CALLS]uptime[ARGS] none"),
    "pythonic code": (P, "<|tool_call_start|>[uptime(__import__('os').system('id'))]<|tool_call_end|>"),
    "pythonic call inside": (
        P,
        "<|tool_call_start|>[pool_status(pool=open('/etc/passwd'))]<|tool_call_end|>",
    ),
    "pythonic f-string": (P, "<|tool_call_start|>[pool_status(pool=f'{1+1}')]<|tool_call_end|>"),
    "pythonic sum": (P, "<|tool_call_start|>[pool_status(pool=1+1)]<|tool_call_end|>"),
    "pythonic bytes": (P, "<|tool_call_start|>[pool_status(pool=b'x')]<|tool_call_end|>"),
    "pythonic huge number": (P, f"<|tool_call_start|>[uptime(a={'9' * 5000})]<|tool_call_end|>"),
    "pythonic empty": (P, "<|tool_call_start|>[]<|tool_call_end|>"),
    "markdown link": (P, "See [the guide](guide.md)."),
    "llama json answer": (L, '{"pools": ["tank"], "count": 1}'),
    "llama other name": (L, '{"name": "Anna", "parameters": {}}'),
    "llama later": (L, 'It is {"name": "uptime", "parameters": {}}'),
    "llama cut off": (L, ' {"name": "uptime", "par'),
}

TEMPLATES: dict[str, tuple[ToolFormat, str]] = {
    "qwen": (
        H,
        "{%- if tools %}# Tools\n<tools>{% for tool in tools %}{{ tool | tojson }}{% endfor %}</tools>\n"
        "<tool_call>\n"
        '{\\"name\\": <function-name>, \\"arguments\\": <args-json-object>}\n</tool_call>{% endif %}',
    ),
    "hermes": (
        H,
        '{% if tools %}<tool_call>\n{"arguments": <args>, "name": <name>}\n</tool_call>{% endif %}',
    ),
    "qwen coder": (
        G,
        '{% if tools %}<tool_call>\n<function=name>\n"arguments"</function>{% endif %}',
    ),
    "glm": (G, '{% if tools %}<tool_call>name<arg_key>k</arg_key> "arguments"</tool_call>{% endif %}'),
    "mistral nemo": (M, '{% if tools %}[AVAILABLE_TOOLS]{% endif %}{{ "[TOOL_CALLS][" }}'),
    "mistral small": (A, '{{ "[TOOL_CALLS]" + name + "[ARGS]" + arguments }}'),
    "lfm2": (P, '{% if tools %}{{ "List of tools: [" }}{% endif %}'),
    "lfm2.5": (P, '{% if tools %}{{ "<|tool_call_start|>[" }}{% endif %}'),
    "llama 3.2": (
        L,
        "{%- if tools is not none %}Respond in the format "
        '{"name": function name, "parameters": dictionary of argument name and its value}.{% endif %}',
    ),
    "smollm2": (G, "{% for message in messages %}<|im_start|>{{ message['role'] }}{% endfor %}"),
    "gemma": (G, "<bos>{% for message in messages %}<start_of_turn>{{ message['role'] }}{% endfor %}"),
    "command r": (G, "{% if tools %}Action: ```json {% endif %}"),
    "empty": (G, ""),
}
