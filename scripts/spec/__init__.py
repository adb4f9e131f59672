"""What `image.yaml` may say, and reading it.

`model` is the shape, `load` turns the file into it or says what is wrong where, `select` answers
what a variant and a target consist of.
"""
