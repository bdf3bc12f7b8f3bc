"""``{% load home_tags %}``."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import translate_url


register = template.Library()


@register.simple_tag(takes_context=True)
def same_page(context: dict[str, Any], language: str) -> str:
    """The address of this page in another language. The slugs are the same in both trees."""
    request = context.get("request")
    return translate_url(request.path, language) if request else f"/{language}/"


@register.simple_tag(takes_context=True)
def home_url(context: dict[str, Any]) -> str:
    """The address of the home page in the language of the page."""
    return f"/{context.get('LANGUAGE_CODE') or 'uk'}/"
