"""Words and punctuation marks to readable text, one token after another: what is joined, and what a space parts."""

import re

_NO_SPACE_BEFORE = frozenset(".,;:!?)]}%'’”…\n")
_NO_SPACE_AFTER = frozenset("([{“‘\n")
# The Penn Treebank cuts off clitics: do n't, it 's.
_CLITIC = re.compile(r"n't|['’][a-z]+", re.IGNORECASE)


class Joining:
    """Puts words together; what a token needs before it depends on those before, and never on one to come.

    Example:
        >>> joining = Joining()
        >>> "".join(map(joining.add, ["he", "said", ":", '"', "go", "!", '"', "\\n", "and"]))
        'he said: "go!"\\nand'
    """

    def __init__(self) -> None:
        self._glued = True  # no space before the next token
        self._in_quotes = False

    def add(self, token: str) -> str:
        """Return a token with the space that it needs before it; a newline ends a line."""
        opens = token in _NO_SPACE_AFTER
        closes = token in _NO_SPACE_BEFORE or _CLITIC.fullmatch(token) is not None
        if token == '"':
            opens, closes = not self._in_quotes, self._in_quotes
            self._in_quotes = not self._in_quotes
        elif token == "\n":
            self._in_quotes = False
        text = token if self._glued or closes else f" {token}"
        self._glued = opens
        return text
