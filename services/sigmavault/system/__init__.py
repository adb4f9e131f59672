"""Thin adapters to the machine: processes, environment, sockets, systemd, the bus."""
