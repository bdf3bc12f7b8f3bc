"""Forget the cached pages when what they show has changed: a page, or an offer that a page sells."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.cache import caches
from wagtail.signals import page_published, page_unpublished, published, unpublished


def forget_pages(**kwargs: Any) -> None:
    caches[settings.PAGE_CACHE].clear()


def connect() -> None:
    for signal in (page_published, page_unpublished, published, unpublished):
        signal.connect(forget_pages, dispatch_uid="home.forget_pages")
