"""The model downloads beside curl."""
