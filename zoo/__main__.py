"""The command `zoo`: what can be done with models and runs, one verb each."""

import sys

from zoo.verbs import main

if __name__ == "__main__":
    sys.exit(main())
