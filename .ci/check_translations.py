"""Each string of package and sandbox is translated, and what is compiled is what the sources say."""

from __future__ import annotations

import gettext
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent
# English is the language of the sources: a string without an English translation stands for itself.
SOURCE_LANGUAGE = "en"
LANGUAGES = {"wagtail_payparts": ("en", "ru", "uk"), "sandbox": ("uk",)}


def main() -> None:
    if shutil.which("msgfmt") is None:
        sys.exit("GNU gettext is missing. On Debian and Ubuntu: apt-get install gettext")
    with tempfile.TemporaryDirectory(prefix="wagtail-payparts-locale-") as name:
        problems = []
        for tree, languages in LANGUAGES.items():
            copy = Path(name) / tree
            shutil.copytree(ROOT / tree, copy, ignore=shutil.ignore_patterns("__pycache__"))
            problems += [*not_compiled(copy, languages), *not_complete(copy, languages)]
    if problems:
        sys.exit("\n".join([*problems, "Run `make messages`, translate what is new, and run it again."]))
    print("The translations are complete and compiled.")


def not_compiled(tree: Path, languages: Iterable[str]) -> list[str]:
    """Return a sentence for each catalogue whose .mo file is not what its .po file compiles to."""
    problems = []
    for language in languages:
        sources = list((tree / "locale" / language).rglob("*.po"))
        if not sources:
            problems.append(f"{tree.name} has no translation into {language}.")
        for source in sources:
            fresh = source.with_suffix(".fresh")
            run("msgfmt", "--check", f"--output-file={fresh}", source)
            compiled = source.with_suffix(".mo")
            if not compiled.exists() or messages(compiled) != messages(fresh):
                problems.append(f"{compiled.relative_to(tree.parent)} is not compiled from its .po file.")
    return problems


def not_complete(tree: Path, languages: Iterable[str]) -> list[str]:
    """Collect the strings anew; return a sentence for each language that does not translate them all."""
    sources = [
        source
        for language in languages
        if language != SOURCE_LANGUAGE
        for source in sorted((tree / "locale" / language).rglob("*.po"))
    ]
    locales = [f"--locale={language}" for language in languages]
    for domain in sorted({source.stem for source in sources}):
        command = [sys.executable, "-m", "django", "makemessages", f"--domain={domain}", "--verbosity=0"]
        run(*command, *locales, cwd=tree)
    problems = []
    for source in sources:
        said = run("msgfmt", "--statistics", "--output-file=/dev/null", source)
        if re.search("fuzzy|untranslated", said):
            problems.append(f"{source.relative_to(tree.parent)}: {said.strip()}")
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
