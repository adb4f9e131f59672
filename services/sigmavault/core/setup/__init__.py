"""Setting a machine up: what a person answers, what follows from it, in which order. Pure.

One plan for every face: the desktop's assistant, the one of the console, and a file of answers.

- `answers`: what is wished, checked, with sentences for people.
- `facts`: what this machine is and has, and what is proposed for it.
- `state`: what is set up already.
- `plan`: the steps from there to what is wished.
- `journal`: what is kept of a run.
"""
