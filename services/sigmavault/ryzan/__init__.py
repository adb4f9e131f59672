"""The model service: OpenAI's HTTP API and D-Bus in front of one worker process per model."""
