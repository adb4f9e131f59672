"""The assistant of the console: full screen, for 80 × 24 characters and a serial line."""
