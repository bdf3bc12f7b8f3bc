"""Django's commands for the demonstration shop: ``python sandbox/manage.py ...``."""

from __future__ import annotations

import os
import sys
from pathlib import Path


if __name__ == "__main__":
    # This folder is the package "sandbox"; what is beside it has to be found.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sandbox.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
