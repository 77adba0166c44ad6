#!/usr/bin/env python3
"""What GIMP starts. Its name is that of its folder, or GIMP does not see it."""

from cyclorama_gimp.plugin import main

main()
