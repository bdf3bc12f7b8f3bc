"""Selling from code: write an order, start its payment, send the buyer to the bank."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from wagtail_payparts.exceptions import PayPartsError
from wagtail_payparts.services import start_payment

from .forms import BeansForm
from .models import MONTHS, PRICES, Plan


@never_cache
def beans(request: HttpRequest) -> HttpResponse:
    form = BeansForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        order = form.save()
        try:
            payment = start_payment(
                lines=order.lines(),
                parts_count=form.cleaned_data["parts_count"],
                merchant_type="PP",
                reference=order.number,
            )
        except PayPartsError as error:
            form.add_error(None, error.user_message or _("The bank cannot be reached. Please try again in a minute."))
        else:
            return redirect(payment.redirect_url)
    plans = [(option, PRICES[Plan(option.data["value"])]) for option in form["plan"]]
    return render(
        request,
        "shop/beans.html",
        {"form": form, "plans": [(option, monthly, monthly * MONTHS) for option, monthly in plans]},
    )
