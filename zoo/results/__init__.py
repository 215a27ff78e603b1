"""Pictures and reports of a finished run, or of all runs of a sweep, from plain arrays and callables.

What produced them is not known here.
"""
