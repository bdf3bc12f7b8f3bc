"""What leaves the admin as a file: the columns (a django-import-export Resource) and how they are written."""

from __future__ import annotations

from wagtail_payparts.resources.cells import clean
from wagtail_payparts.resources.csv_files import DELIMITERS, CsvFile
from wagtail_payparts.resources.events import PaymentEventResource
from wagtail_payparts.resources.fields import ComputedField
from wagtail_payparts.resources.payments import PaymentResource
from wagtail_payparts.resources.refunds import RefundResource
from wagtail_payparts.resources.table import Table
from wagtail_payparts.resources.widgets import AsIs, Lines, SiteMoment, UtcMoment, Words, YesNo
from wagtail_payparts.resources.xlsx_files import MAX_XLSX_ROWS, XlsxFile


__all__ = [
    "DELIMITERS",
    "MAX_XLSX_ROWS",
    "AsIs",
    "ComputedField",
    "CsvFile",
    "Lines",
    "PaymentEventResource",
    "PaymentResource",
    "RefundResource",
    "SiteMoment",
    "Table",
    "UtcMoment",
    "Words",
    "XlsxFile",
    "YesNo",
    "clean",
]
