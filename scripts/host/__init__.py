"""The part that runs on the building machine, before the tools tree exists.

Standard library only, Python 3.11 or newer: nothing here may import the rest of `scripts` except
`scripts.errors`.
"""
