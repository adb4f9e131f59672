"""One page a file: what it shows, and what it writes into the draft."""
