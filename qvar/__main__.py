"""`python -m qvar`: the command `qvar`, for an environment whose programs are not on the path."""

import sys

from qvar.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
