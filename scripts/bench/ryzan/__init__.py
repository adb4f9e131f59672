"""What `make bench-ryzan` measures against and with: the peer, the models. `tests/bench` measures."""
