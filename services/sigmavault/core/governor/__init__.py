"""How the model is held back while files are served: what is watched, and what follows from it. Pure."""
