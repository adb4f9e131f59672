"""Virtual machines for tests and for people: start, watch, talk to, break, save and restore."""
