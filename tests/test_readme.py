"""The README's snippets are put together into a project of their own, which then sells something."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from wagtail_payparts import conf
from wagtail_payparts.simulator import Simulator, run_simulator


ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = dict(re.findall(r"<!-- snippet: (\w+) -->\n```\w+\n(.*?)```", README, flags=re.DOTALL))

BASE_SETTINGS = """
import os

SECRET_KEY, DEBUG, ALLOWED_HOSTS, USE_TZ = "x", True, ["*"], True
ROOT_URLCONF, STATIC_URL, WAGTAIL_SITE_NAME = "urls", "/static/", "Shop"
WAGTAILADMIN_BASE_URL = "https://shop.example.com"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["README_DB"]}}
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": ["django.template.context_processors.request",
                           "django.contrib.auth.context_processors.auth",
                           "django.contrib.messages.context_processors.messages"]}}]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
              "django.contrib.auth.middleware.AuthenticationMiddleware",
              "django.contrib.messages.middleware.MessageMiddleware"]
INSTALLED_APPS = ["shop", "wagtail.documents", "wagtail.images", "wagtail.search", "wagtail.snippets",
    "wagtail.users", "wagtail.admin", "wagtail", "modelcluster", "taggit", "django_filters",
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.messages",
    "django.contrib.sessions", "django.contrib.staticfiles"]
"""

FILES = {
    "settings.py": BASE_SETTINGS + "\n{settings}\nPAYPARTS_API_URL = os.environ['README_BANK']\n",
    "urls.py": "from django.urls import include, path\nfrom wagtail import urls as wagtail_urls\n"
    "urlpatterns = [path('', include(wagtail_urls))]\n{urls}",
    "shop/__init__.py": "",
    "shop/apps.py": "from django.apps import AppConfig\nclass ShopConfig(AppConfig):\n    name = 'shop'\n"
    "    def ready(self):\n        from shop import receivers\n",
    "shop/models.py": "from django.db import models\nfrom wagtail.models import Page\n{block}\n"
    "class Order(models.Model):\n"
    "    number = models.CharField(max_length=20)\n"
    "    total = models.DecimalField(max_digits=10, decimal_places=2)\n"
    "    paid = models.BooleanField(default=False)\n"
    "    items = []\n",
    "shop/receivers.py": "{receiver}",
    "shop/views.py": "{start}",
    "shop/migrations/__init__.py": "",
}

FIRST_RUN = """
import json, os, django
from decimal import Decimal
from types import SimpleNamespace

django.setup()

from django.core.management import call_command
from django.template import Context, Template
from django.test import RequestFactory

call_command("makemigrations", "shop", verbosity=0)
call_command("migrate", verbosity=0)
call_command("check", fail_level="WARNING")

from shop.models import Order, ProductPage
from shop.views import pay_in_parts
from wagtail_payparts.models import Offer, OfferLine, Payment

order = Order.objects.create(number="17", total=Decimal("600.00"))
order.items = [SimpleNamespace(name="Чайник", count=2, price=Decimal("300.00"))]
response = pay_in_parts(RequestFactory().get("/"), order)

offer = Offer(title="Чайник", live=True)
offer.lines.add(OfferLine(name="Чайник", count=1, price=Decimal("600.00")))
offer.save()
tag = Template(os.environ["README_TAG"]).render(Context({"offer": offer}))
old = {}
exec(os.environ["README_OLD"], old)
print(json.dumps({
    "redirect": response.url,
    "tag": tag,
    "blocks": list(ProductPage._meta.get_field("body").stream_block.child_blocks),
    "payment": Payment.objects.get(reference="17").order_id,
    "old": old["redirect_url"],
}))
"""

SECOND_RUN = """
import json, django

django.setup()

from django.core.management import call_command
from django.utils import timezone
from shop.models import Order
from wagtail_payparts.models import Payment

Payment.objects.update(next_poll_at=timezone.now())
call_command("payparts_sync")
print(json.dumps({"paid": Order.objects.get().paid}))
"""


@pytest.fixture(scope="module")
def bank() -> Iterator[Simulator]:
    with run_simulator(stores={"README-STORE": "readme-password"}) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        filled = re.sub(r"\{(\w+)\}", lambda place: SNIPPETS.get(place[1], place[0]), text)
        (folder / name).write_text(filled, encoding="utf-8")
    return folder


def _run(folder: Path, bank: Simulator, script: str) -> dict[str, Any]:
    """Run a script in the project, with a process of its own. What it prints last is JSON."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "settings",
        "README_DB": str(folder / "db.sqlite3"),
        "README_BANK": bank.api_url,
        "README_TAG": SNIPPETS["tag"],
        "README_OLD": SNIPPETS["old"],
        "PAYPARTS_STORE_ID": bank.store_id,
        "PAYPARTS_PASSWORD": bank.password,
        "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_a_site_installed_as_the_readme_says_sells(project: Path, bank: Simulator) -> None:
    told = _run(project, bank, FIRST_RUN)
    assert "/ipp/v2/payment?token=" in told["redirect"]
    assert "<form" in told["tag"]
    assert told["blocks"] == ["pay_in_parts"]
    # The usage of the old package.
    assert "/ipp/v2/payment?token=" in told["old"]
    assert bank.payment("order-123").amount == Decimal("400.00")

    bank.pay(told["payment"])
    assert _run(project, bank, SECOND_RUN) == {"paid": True}


def test_every_setting_is_in_the_table_with_its_default() -> None:
    table = dict(re.findall(r"^\| `(PAYPARTS_\w+)` \| (.*?) \|", README, flags=re.MULTILINE))
    assert set(table) == set(conf.DEFAULTS)
    for name in ("PAYPARTS_API_URL", "PAYPARTS_API_REDIRECT_URL", "PAYPARTS_MIN_AMOUNT", "PAYPARTS_MAX_AMOUNT"):
        assert table[name] == f"`{conf.DEFAULTS[name]}`"
