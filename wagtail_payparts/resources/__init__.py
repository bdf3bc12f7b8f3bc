"""What leaves the admin as a file: the columns (a django-import-export Resource) and how they are written."""

from __future__ import annotations

from wagtail_payparts.resources.cells import clean
from wagtail_payparts.resources.payments import PaymentResource
from wagtail_payparts.resources.spreadsheets import MAX_XLSX_ROWS, stream_csv, to_export, write_xlsx


__all__ = ["MAX_XLSX_ROWS", "PaymentResource", "clean", "stream_csv", "to_export", "write_xlsx"]
