"""The page "Overview" and its place in the menu."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path
from django.utils.functional import cached_property
from django.utils.timezone import get_default_timezone_name
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from wagtail.admin.menu import MenuItem
from wagtail.admin.views.generic import PermissionCheckedMixin, WagtailAdminTemplateMixin
from wagtail.admin.viewsets.base import ViewSet

from wagtail_payparts.dashboard.overview import figures, sections
from wagtail_payparts.dashboard.overview.periods import PRESETS, Choice, Period, choose, cut
from wagtail_payparts.dashboard.overview.words import write_period
from wagtail_payparts.dashboard.permissions import payment_policy
from wagtail_payparts.models import Payment


class OverviewView(PermissionCheckedMixin, WagtailAdminTemplateMixin, TemplateView):
    """A period in figures. No figure is shown for days that cannot be read."""

    model = Payment
    permission_policy = payment_policy
    permission_required = "view"
    page_title = _("Overview")
    header_icon = "payparts-overview"
    template_name = "wagtail_payparts/admin/overview/page.html"

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        return [*self.breadcrumbs_items, {"url": "", "label": self.page_title}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        choice = choose(self.request.GET)
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context |= {"choice": choice, "presets": _presets(choice), "time_zone": get_default_timezone_name()}
        if choice.period and choice.previous:
            context |= read_figures(choice.period, choice.previous)
        return context


def _presets(choice: Choice) -> list[dict[str, Any]]:
    return [
        {"code": code, "label": preset.label, "is_chosen": code == choice.preset} for code, preset in PRESETS.items()
    ]


def read_figures(period: Period, previous: Period) -> dict[str, Any]:
    """Five queries; fewer where nothing was created, and then one that asks whether anything ever was."""
    groups = figures.groups(period)
    now = figures.totals(figures.tally(groups, lambda group: group.state))
    before = figures.totals(figures.by_state(previous))
    context: dict[str, Any] = {
        "days": write_period(period),
        "days_before": write_period(previous),
        "now": sections.now_figures(figures.under_way()),
    }
    if now.created or before.created:
        context["money"] = sections.money_figures(now, before)
        context["payments"] = sections.payment_figures(now, before, period)
    else:
        context["is_unused"] = not Payment.objects.real().exists()
    if now.created:
        context["funnel"] = sections.funnel_bars(groups)
    if refusals := figures.refusals(period) if now.decided > now.paid else []:
        context["refusals"] = sections.refusal_bars(refusals, groups, period)
    if now.paid:
        context["parts"] = sections.parts_chart(groups)
        context["services"] = sections.service_bars(groups, period)
        slots = cut(period)
        if len(slots) > 1:
            context["sales"] = sections.sales_chart(period, slots, figures.sales(slots))
    return context


class OverviewMenuItem(MenuItem):
    """Only for those who may open the page."""

    def is_shown(self, request: Any) -> bool:
        return payment_policy.user_has_permission(request.user, "view")


class OverviewViewSet(ViewSet):
    name = "payparts_overview"
    url_prefix = "payparts/overview"
    icon = "payparts-overview"
    menu_label = _("Overview")
    menu_name = "payparts-overview"

    @cached_property
    def menu_item_class(self) -> type[MenuItem]:
        return OverviewMenuItem

    def get_urlpatterns(self) -> list[URLPattern]:
        return [path("", self.construct_view(OverviewView), name="index")]
