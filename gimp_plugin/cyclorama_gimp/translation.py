"""The plug-in's words in the user's language: gettext, with catalogues in `locale/` beside the plug-in."""

from __future__ import annotations

import gettext
from pathlib import Path

DOMAIN = "cyclorama-gimp"
CATALOGUES = Path(__file__).parent.parent / "locale"

_ = gettext.translation(DOMAIN, CATALOGUES, fallback=True).gettext
