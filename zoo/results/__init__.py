"""Pictures and reports of one finished run, from plain arrays and callables; what produced them is not known here."""
