"""Pure code: values, decisions, errors. No I/O, no bus, no environment."""
