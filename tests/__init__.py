"""The tests. A made-up provider is installed for them: what is asked of every provider is asked of it, too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "support" / "oriole" / "installed"))
