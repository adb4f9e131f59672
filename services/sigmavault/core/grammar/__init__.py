"""What form a model's answer must have, as grammars for llama.cpp."""

from sigmavault.core.grammar.schema import any_json_object, compile_schema

__all__ = ["any_json_object", "compile_schema"]
