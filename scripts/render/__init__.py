"""From `image.yaml` to the inputs of live-build and mkosi.

Deterministic: the same spec gives the same bytes. Nothing here looks at the machine, the network or
the clock.
"""
