"""Every operation: `NOUN/VERB.py` holds `NOUN.VERB`, and nothing else has to know of it.

Operations look at the machine through `system` and decide with `core`. See `core/operation/operation.py`.
"""
