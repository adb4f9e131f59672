"""The steps of a build, each a function from inputs to a cached result."""
