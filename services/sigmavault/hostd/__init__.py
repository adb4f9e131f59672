"""The host daemon: the one place that changes the machine. Start with `host.py`."""
