"""`python -m agnt5.cli`: the command line where the script `agnt5` is not on the path."""

import sys

from . import main

sys.exit(main())
