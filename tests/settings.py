"""A minimal Wagtail site with the plugin, on the database that PAYPARTS_TEST_DB names.

Its values are ``sqlite`` (the default), ``postgres`` and ``mariadb``: see tests/databases.py.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.databases import configured_database


BASE_DIR = Path(__file__).resolve().parent.parent

# One per process, removed at its end: test runs side by side never meet.
SCRATCH = tempfile.TemporaryDirectory(prefix="wagtail-payparts-")

SECRET_KEY = "only-for-tests"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
USE_TZ = True
TIME_ZONE = "Europe/Kyiv"
LANGUAGE_CODE = "en"
LANGUAGES = [("uk", "Українська"), ("en", "English"), ("ru", "Русский")]

INSTALLED_APPS = [
    "tests.testapp",
    "wagtail_payparts",
    "import_export",
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
    "django_filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "tests.urls"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "wagtail.contrib.settings.context_processors.settings",
            ],
        },
    },
]

DATABASES = {"default": configured_database(Path(SCRATCH.name))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

STATIC_URL = "/static/"
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(SCRATCH.name) / "media"

WAGTAIL_SITE_NAME = "Test shop"
WAGTAILADMIN_BASE_URL = "http://testserver"
WAGTAILDOCS_EXTENSIONS: list[str] = ["pdf"]

# A store of our own: the tests' simulator is the only bank that knows it.
PAYPARTS_API_STORE_ID = "5E1F0A4D2B7C49E3A816"
PAYPARTS_API_PASSWORD = "8d3f5c1e0b7a4962a1c4e6f80d2b9573"
PAYPARTS_ALLOW_TEST_STORE = True
