"""Each string of the package is translated, and what is compiled is what the sources say."""

from __future__ import annotations

import gettext
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "wagtail_payparts"
# English is the language of the sources: a string without an English translation stands for itself.
COMPLETE = ("uk", "ru")
LANGUAGES = (*COMPLETE, "en")


def main() -> None:
    if shutil.which("msgfmt") is None:
        sys.exit("GNU gettext is missing. On Debian and Ubuntu: apt-get install gettext")
    with tempfile.TemporaryDirectory(prefix="wagtail-payparts-locale-") as name:
        copy = Path(name) / PACKAGE.name
        shutil.copytree(PACKAGE, copy, symlinks=False, ignore=shutil.ignore_patterns("__pycache__"))
        problems = [*not_compiled(copy), *not_complete(copy)]
    if problems:
        sys.exit("\n".join([*problems, "Run `make messages`, translate what is new, and run it again."]))
    print("The translations are complete and compiled.")


def not_compiled(package: Path) -> list[str]:
    """Return a sentence for each catalogue whose .mo file is not what its .po file compiles to."""
    problems = []
    for language in LANGUAGES:
        sources = list((package / "locale" / language).rglob("*.po"))
        if not sources:
            problems.append(f"There is no translation into {language}.")
        for source in sources:
            fresh = source.with_suffix(".fresh")
            run("msgfmt", "--check", f"--output-file={fresh}", source)
            compiled = source.with_suffix(".mo")
            if not compiled.exists() or messages(compiled) != messages(fresh):
                problems.append(f"{compiled.relative_to(package)} is not compiled from its .po file.")
    return problems


def not_complete(package: Path) -> list[str]:
    """Collect the strings anew; return a sentence for each language that does not translate them all."""
    locales = [f"--locale={language}" for language in COMPLETE]
    for domain in ("django", "djangojs"):
        if any(package.glob(f"locale/*/LC_MESSAGES/{domain}.po")):
            options = [f"--domain={domain}", "--verbosity=0", *locales]
            run(sys.executable, "-m", "django", "makemessages", *options, cwd=package)
    problems = []
    for language in COMPLETE:
        for source in (package / "locale" / language).rglob("*.po"):
            said = run("msgfmt", "--statistics", "--output-file=/dev/null", source)
            if re.search("fuzzy|untranslated", said):
                problems.append(f"{source.relative_to(package)}: {said.strip()}")
    return problems


def messages(compiled: Path) -> dict[object, str]:
    with compiled.open("rb") as file:
        return gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    done = subprocess.run(command, cwd=cwd, env=environment, check=False, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}{command[0]} ended with {done.returncode}.")
    return done.stdout + done.stderr


if __name__ == "__main__":
    main()
