"""Use the installed package as a new project would: run by check_wheel.py, far from the checkout."""

from __future__ import annotations

import gettext
import importlib
import pkgutil
import sys
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.template.loader import get_template
from django.urls import include, path, reverse


LANGUAGES = ("uk", "ru")
# The simulator's extra is not installed here, nor is Django's own admin.
NOT_HERE = ("wagtail_payparts.simulator", "wagtail_payparts.admin")

urlpatterns: list[object] = []


def main() -> None:
    settings.configure(
        SECRET_KEY="only-for-this-probe",  # noqa: S106
        DEBUG=True,
        ROOT_URLCONF=__name__,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "wagtail_payparts",
            "wagtail.contrib.settings",
            "wagtail.documents",
            "wagtail.images",
            "wagtail.search",
            "wagtail.snippets",
            "wagtail.users",
            "wagtail.admin",
            "wagtail",
            "modelcluster",
            "taggit",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.sessions",
            "django.contrib.staticfiles",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        STATIC_URL="/static/",
        USE_TZ=True,
        WAGTAIL_SITE_NAME="Probe",
        WAGTAILADMIN_BASE_URL="https://shop.example",
        PAYPARTS_BASE_URL="https://shop.example",
        PAYPARTS_API_STORE_ID="PROBE",
        PAYPARTS_API_PASSWORD="only-for-this-probe",  # noqa: S106
    )
    django.setup()
    urlpatterns.extend(
        [
            path("admin/", include("wagtail.admin.urls")),
            path("", include("wagtail_payparts.urls")),
            path("", include("wagtail.urls")),
        ]
    )
    import wagtail_payparts

    package = Path(wagtail_payparts.__file__).parent
    if package.is_relative_to(Path(__file__).parent.parent):
        sys.exit(f"This probes the checkout ({package}), not the wheel.")
    import_everything(package)
    call_command("check")
    call_command("makemigrations", check=True, dry_run=True)
    call_command("migrate", verbosity=0)
    reverse("wagtail_payparts:callback")
    expect("static files", package / "static", lambda name: finders.find(name) is not None)
    expect("templates", package / "templates", lambda name: get_template(name) is not None)
    for language in LANGUAGES:
        catalogue = gettext.translation("django", package / "locale", [language])
        if len(catalogue._catalog) < 2:  # type: ignore[attr-defined]
            sys.exit(f"The translation into {language} is empty.")


def import_everything(package: Path) -> None:
    for module in pkgutil.walk_packages([str(package)], "wagtail_payparts."):
        if not module.name.startswith(NOT_HERE):
            importlib.import_module(module.name)


def expect(what: str, directory: Path, is_found: object) -> None:
    names = [file.relative_to(directory).as_posix() for file in directory.rglob("*") if file.is_file()]
    lost = [name for name in names if not is_found(name)]
    if lost or not names:
        sys.exit(f"Django finds none of these {what}: {lost or 'there are none'}.")


if __name__ == "__main__":
    main()
