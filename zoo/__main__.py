"""The command `zoo`: what can be done with models and runs, one verb each."""

import sys

from zoo.entry import enter


def main() -> int:
    """Run the verb that the command line names and return its exit code."""
    return enter("zoo.verbs")


if __name__ == "__main__":
    sys.exit(main())
