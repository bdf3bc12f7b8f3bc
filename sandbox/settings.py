"""Settings of the demonstration shop: SQLite and files under var/, a simulated bank on this machine.

SANDBOX_VAR, SANDBOX_PORT and SANDBOX_BANK_PORT move it elsewhere; sandbox/demo.py sets them for its processes.
"""

from __future__ import annotations

import os
from pathlib import Path

from wagtail_payparts.bank import TEST_STORE_ID


BASE_DIR = Path(__file__).resolve().parent
VAR = Path(os.environ.get("SANDBOX_VAR") or BASE_DIR.parent / "var").resolve()
PORT = int(os.environ.get("SANDBOX_PORT") or 8000)
BANK_PORT = int(os.environ.get("SANDBOX_BANK_PORT") or 8765)
HOST = "127.0.0.1"
BASE_URL = f"http://{HOST}:{PORT}"
BANK_URL = f"http://{HOST}:{BANK_PORT}"

SECRET_KEY = "the-demonstration-shop-keeps-no-secrets"
DEBUG = True
ALLOWED_HOSTS = [HOST, "localhost", "testserver"]

INSTALLED_APPS = [
    "sandbox.home",
    "sandbox.shop",
    "sandbox.seed",
    "wagtail_payparts",
    "import_export",
    "wagtail.contrib.settings",
    "wagtail.contrib.simple_translation",
    "wagtail.locales",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.sites",
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
    "sandbox.middleware.content_security_policy",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "sandbox.urls"
WSGI_APPLICATION = "sandbox.wsgi.application"

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
                "sandbox.home.context_processors.addresses",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": VAR / "shop.sqlite3",
        # The site and the poller write at the same time: neither may find the database locked.
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# In files, so that all processes share them. Whole pages are kept apart: they are forgotten when one is published.
CACHES = {
    alias: {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": VAR / "cache" / alias}
    for alias in ("default", "pages")
}
PAGE_CACHE = "pages"
PAGE_CACHE_SECONDS = 60

EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
AUTH_PASSWORD_VALIDATORS: list[dict[str, str]] = []

LANGUAGE_CODE = "uk"
LANGUAGES = WAGTAIL_CONTENT_LANGUAGES = [("uk", "Українська"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Europe/Kyiv"
USE_TZ = True

STATIC_URL = "/static/"
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR / "media"

WAGTAIL_SITE_NAME = "Жорна"
WAGTAIL_I18N_ENABLED = True
WAGTAILADMIN_BASE_URL = BASE_URL
WAGTAILDOCS_EXTENSIONS = ["pdf"]
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_GRAVATAR_PROVIDER_URL = None

# The bank's public test store (payparts-api §13), at the simulator. A real shop reads its own from the environment.
PAYPARTS_API_STORE_ID = TEST_STORE_ID
PAYPARTS_API_PASSWORD = "75bef16bfdce4d0e9c0ad5a19b9940df"
PAYPARTS_API_URL = f"{BANK_URL}/ipp/v2/"
PAYPARTS_API_REDIRECT_URL = f"{BANK_URL}/ipp/v2/payment"
PAYPARTS_BASE_URL = BASE_URL
