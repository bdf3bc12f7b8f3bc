"""The map of threats in docs/security.md cannot rot; and the tests of threats that have no other place."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from wagtail_payparts.models import Payment
from wagtail_payparts.services import refund_payment, start_payment, sync_payment
from wagtail_payparts.simulator import Simulator


ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "wagtail_payparts"
#: Numbers stay: who reviews or reports speaks of them.
LAST_NUMBER = 46
#: Threats to which the plugin gives no occasion; the map says why.
NOT_HERE = {35, 43}
_ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
_TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def the_map() -> dict[int, tuple[str, list[tuple[str, str]]]]:
    """Defence and tests by the number of the threat."""
    rows = _ROW.findall((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))
    return {int(number): (defence, _TEST.findall(tests)) for number, _threat, defence, tests in rows}


def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


def test_every_threat_has_its_row() -> None:
    assert sorted(the_map()) == list(range(1, LAST_NUMBER + 1))


@pytest.mark.parametrize("number", range(1, LAST_NUMBER + 1))
def test_every_threat_has_a_test_that_exists_or_a_reason_for_none(number: int) -> None:
    defence, tests = the_map()[number]
    assert bool(tests) != (number in NOT_HERE)
    assert defence.startswith("Does not apply: ") == (number in NOT_HERE)
    missing = [f"{path}::{name}" for path, name in tests if name not in names_in(path)]
    assert missing == [], "the map names tests that are not there: name those that took their place"


def test_signatures_are_compared_in_one_place_in_constant_time() -> None:
    """Nothing that holds a signature or a password is compared by ``==``."""
    by_itself = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(operator, (ast.Eq, ast.NotEq, ast.In, ast.NotIn)) for operator in node.ops)
        and any(_holds_a_secret(operand) for operand in (node.left, *node.comparators))
        and not any(_is_known(operand) for operand in (node.left, *node.comparators))
    ]
    assert by_itself == []
    places = [path.name for path, tree in _modules() if "compare_digest" in ast.dump(tree)]
    assert places == ["signature.py"]


def test_only_the_client_of_the_bank_and_the_doctor_call_other_machines() -> None:
    speak = {
        str(path.relative_to(PACKAGE))
        for path, tree in _modules()
        for node in ast.walk(tree)
        for name in _imported(node)
        if name.split(".")[0] in {"requests", "urllib3", "socket", "httpx", "aiohttp"}
        or name in {"http.client", "urllib.request"}
    }
    assert speak == {"bank/client.py", "bank/transport.py", "management/doctor/network.py"}


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["http_500", "timeout_after", "fail_verified"])
def test_a_refund_is_written_down_with_its_reason_before_the_bank_is_told(bank: Simulator, fault: str) -> None:
    payment = start_payment(lines=[{"name": "Чайник", "count": 1, "price": "800.00"}], parts_count=4)
    bank.pay(payment.order_id)
    paid: Payment = sync_payment(payment)
    bank.fault(fault, endpoint="decline", seconds=0.01)
    refund_payment(paid, reason="Повернули товар")
    requested, answered, *_rest = paid.events.filter(type="refund").order_by("pk")
    assert (requested.message, requested.payload["state"]) == ("Повернули товар", "requested")
    assert answered.message != "Повернули товар"


def _modules() -> list[tuple[Path, ast.Module]]:
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if "simulator" not in path.parts]
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []


def _is_known(operand: ast.expr) -> bool:
    """A constant: to be compared with it tells nothing, as with the label of a password."""
    return isinstance(operand, ast.Constant) or (isinstance(operand, ast.Name) and operand.id.isupper())


def _holds_a_secret(operand: ast.expr) -> bool:
    """A name or an attribute that is called so. What only tells whether there is one is none."""
    name: Any = getattr(operand, "id", None) or getattr(operand, "attr", None)
    return isinstance(name, str) and bool(re.search(r"signature|signed|password", name))
