"""``python -m groundglass``."""

import sys

from groundglass.cli import main

sys.exit(main())
