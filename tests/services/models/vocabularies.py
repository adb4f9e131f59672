"""Tokenizers of a few hundred tokens, one of each kind that our models use."""

from __future__ import annotations

from collections.abc import Sequence

from tests.services.models.gguf_file import ARRAY, I32, STRING, Entry, packed_array

_NORMAL, _CONTROL = 1, 3
CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
PLAIN_CHAT = (
    "{% for message in messages %}"
    "{{ ('User: ' if message['role'] == 'user' else 'Assistant: ') + message['content'] + '\\n\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)

_CONTROLS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_MERGES = (
    "Ġ t", "h e", "i n", "e r", "Ġ a", "o n", "r e", "Ġt he", "a t", "e n",
    "o r", "e s", "Ġ s", "o u", "t i", "Ġ o",
)  # fmt: skip
_RWKV_WORDS = (" the", " a", "ing", "and", " is", "\\n\\n", " of", " to", " in", "er", "User", "Assistant")
_WPM_WORDS = ("▁the", "▁disk", "▁pool", "▁is", "▁full", "▁share", "▁file", "s", "ing", "▁a", "▁my", "▁photo")


def _byte_names() -> list[str]:
    """How a byte-level vocabulary writes the bytes 0…255 (GPT-2's table)."""
    shown = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    return [chr(byte if byte in shown else next(spare)) for byte in range(256)]


BPE_TOKENS = (*_CONTROLS, *_byte_names(), *(merge.replace(" ", "") for merge in _MERGES))
RWKV_TOKENS = ("<s>", *(f"\\x{byte:02x}" for byte in range(256)), *_RWKV_WORDS)
WPM_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_WPM_WORDS)

READABLE_BPE = (*range(3 + 32, 3 + 127), *range(3 + 256, len(BPE_TOKENS)))
"""Tokens that stand for printable text."""
READABLE_RWKV = (*range(1 + 32, 1 + 127), *range(1 + 256, len(RWKV_TOKENS)))


def bpe(*, template: str = CHATML) -> list[Entry]:
    """All bytes, sixteen merges, three control tokens."""
    return [
        *_tokens("gpt2", BPE_TOKENS, controls=len(_CONTROLS)),
        Entry.of("tokenizer.ggml.pre", "gpt-2"),
        Entry.array("tokenizer.ggml.merges", STRING, _MERGES),
        Entry.of("tokenizer.ggml.bos_token_id", 0),
        Entry.of("tokenizer.ggml.eos_token_id", 2),
        Entry.of("tokenizer.ggml.add_bos_token", value=False),
        Entry.of("tokenizer.chat_template", template),
    ]


def rwkv() -> list[Entry]:
    """RWKV's own kind: the longest match in a trie of escaped strings."""
    return [
        *_tokens("rwkv", RWKV_TOKENS, controls=1),
        Entry.of("tokenizer.ggml.eos_token_id", 0),
        Entry.of("tokenizer.chat_template", PLAIN_CHAT),
    ]


def wpm() -> list[Entry]:
    """BERT's word pieces."""
    return [
        *_tokens("bert", WPM_TOKENS, controls=5),
        Entry.of("tokenizer.ggml.token_type_count", 2),
        *(
            Entry.of(f"tokenizer.ggml.{name}_token_id", at)
            for at, name in enumerate(("padding", "unknown", "cls", "seperator", "mask"))
        ),
        Entry.of("tokenizer.ggml.bos_token_id", 2),
        Entry.of("tokenizer.ggml.eos_token_id", 3),
    ]


def _tokens(model: str, tokens: Sequence[str], *, controls: int) -> list[Entry]:
    kinds = [_CONTROL] * controls + [_NORMAL] * (len(tokens) - controls)
    return [
        Entry.of("tokenizer.ggml.model", model),
        Entry("tokenizer.ggml.tokens", ARRAY, packed_array(STRING, tokens)),
        Entry("tokenizer.ggml.token_type", ARRAY, packed_array(I32, kinds)),
    ]
