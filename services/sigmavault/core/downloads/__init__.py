"""Downloads of models: from where, what is expected, how fast, in which states one is. Pure."""
