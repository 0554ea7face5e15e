"""`python -m ingestor` is the same as `ingestor`."""

import sys

from ingestor.cli import main

if __name__ == "__main__":
    sys.exit(main())
