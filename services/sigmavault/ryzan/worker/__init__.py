"""The process that holds one model: llama.cpp, the batching engine, the chat template."""
