"""What competes: each module is one way to do the same work, with one function `run(spec) -> measured values`.

A peer is the script that a user of its library would write, and each is run in a process of its own (`__main__`).
"""
