"""A real LibreOffice, which opens files and says what is in their cells: fixture ``libreoffice``."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.missing import lacking


#: What stands between cells, 34 around them, 76 is UTF-8, from the first line on, every column of the standard
#: kind: as whoever opens the file leaves it.
CSV_IMPORT = "CSV:{delimiter},34,76,1"


def _soffice() -> str:
    found = shutil.which("soffice") or shutil.which("libreoffice")
    if found:
        return found
    return lacking(
        "No LibreOffice was found, so the exports were not opened in it. Install it (Debian and Ubuntu: "
        "apt-get install libreoffice-calc-nogui)."
    )


@pytest.fixture
def libreoffice(tmp_path: Path) -> Callable[..., list[list[Any]]]:
    """``libreoffice(content, "payments.csv")``: every cell as LibreOffice took it, read from the file it saved."""
    executable = _soffice()

    def read(content: bytes, name: str, *, delimiter: str = ",") -> list[list[Any]]:
        (tmp_path / name).write_bytes(content)
        saved = tmp_path / "saved"
        command = [executable, "--headless", "--norestore", f"-env:UserInstallation=file://{tmp_path}/profile"]
        if name.endswith(".csv"):
            command.append(f"--infilter={CSV_IMPORT.format(delimiter=ord(delimiter))}")
        command += ["--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(saved), str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        sheet = load_workbook(saved / f"{Path(name).stem}.xlsx").active
        assert sheet is not None
        return [list(row) for row in sheet.iter_rows()]

    return read
