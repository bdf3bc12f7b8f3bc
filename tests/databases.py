"""Where the tests find SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def configured_database(scratch: Path) -> dict[str, Any]:
    """Return Django's description of the database that the environment names."""
    return DATABASES[os.environ.get("PAYPARTS_TEST_DB", "sqlite")](scratch)


def _sqlite(scratch: Path) -> dict[str, Any]:
    # A file, since threads and the live server cannot share a database in memory as they share a real one.
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": scratch / "db.sqlite3",
        "OPTIONS": {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
        },
        "TEST": {"NAME": scratch / "test.sqlite3"},
    }


def _postgres(_: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("PGDATABASE", "wagtail_payparts"),
        "HOST": os.environ.get("PGHOST", "127.0.0.1"),
        "PORT": os.environ.get("PGPORT", "5432"),
        "USER": os.environ.get("PGUSER", "postgres"),
        "PASSWORD": os.environ.get("PGPASSWORD", ""),
    }


def _mariadb(_: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.mysql",
        "NAME": os.environ.get("MARIADB_DATABASE", "wagtail_payparts"),
        "HOST": os.environ.get("MARIADB_HOST", "127.0.0.1"),
        "PORT": os.environ.get("MARIADB_PORT", "3306"),
        "USER": os.environ.get("MARIADB_USER", "root"),
        "PASSWORD": os.environ.get("MARIADB_PASSWORD", ""),
        "OPTIONS": {
            # Tables and connection must agree: a migration of Wagtail's compares a column with a string.
            "charset": "utf8mb4",
            "collation": "utf8mb4_unicode_ci",
            "init_command": "SET sql_mode='STRICT_TRANS_TABLES', innodb_strict_mode=1",
        },
        "TEST": {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_unicode_ci"},
    }


DATABASES = {"sqlite": _sqlite, "postgres": _postgres, "mariadb": _mariadb}
