"""The QR code, read as a telephone would."""

from __future__ import annotations

import zlib
from decimal import Decimal

import pytest

from tests.simulator.shop import ORDER_ID, Shop, client_of, to_pay
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.exceptions import BankRefused
from wagtail_payparts.simulator import Simulator, qr, run_simulator


AMOUNT = Decimal("1000.00")


def picture_of(png: bytes) -> list[bytes]:
    """The rows of a grey picture of one byte a pixel that uses no filter."""
    place, rows, size = 8, b"", 0
    while place < len(png):
        length = int.from_bytes(png[place : place + 4], "big")
        name, content = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        assert int.from_bytes(png[place + 8 + length : place + 12 + length], "big") == zlib.crc32(name + content)
        if name == b"IHDR":
            size = int.from_bytes(content[:4], "big")
            assert content == content[:4] * 2 + bytes([8, 0, 0, 0, 0])
        elif name == b"IDAT":
            rows = zlib.decompress(content)
        place += length + 12
    assert len(rows) == size * (size + 1)
    assert not any(rows[:: size + 1])
    return [rows[start + 1 : start + 1 + size] for start in range(0, len(rows), size + 1)]


def modules_of(picture: list[bytes]) -> list[list[int]]:
    """What is dark, module by module: the width of a module is a seventh of the first finder's."""
    top = next(number for number, row in enumerate(picture) if 0 in row)
    left = picture[top].index(0)
    scale = (picture[top].index(255, left) - left) // 7
    assert min(top, left) >= 4 * scale
    return [[int(picture[top + row * scale][left + column * scale] == 0) for column in range(37)] for row in range(37)]


def reserved(row: int, column: int) -> bool:
    """Finders with format, timing, alignment: what holds no data in version 5."""
    in_finder = (row < 9 and (column < 9 or column > 28)) or (row > 28 and column < 9)
    return in_finder or 6 in (row, column) or (28 <= row <= 32 and 28 <= column <= 32)


def text_of(modules: list[list[int]]) -> str:
    """Version 5, level L: one block of 108 bytes and 26 of correction."""
    bits = ""
    upwards = True
    column = 36
    while column > 0:
        column -= column == 6
        for row in range(36, -1, -1) if upwards else range(37):
            for beside in (column, column - 1):
                if not reserved(row, beside):
                    mask = (row + beside) % 2 == 0
                    bits += str(modules[row][beside] ^ mask)
        upwards = not upwards
        column -= 2
    content = [int(bits[place : place + 8], 2) for place in range(0, 134 * 8, 8)]
    assert is_code_word(content)
    assert bits[:4] == "0100"
    length = int(bits[4:12], 2)
    return bytes(int(bits[12 + 8 * place : 20 + 8 * place], 2) for place in range(length)).decode("ascii")


def is_code_word(content: list[int]) -> bool:
    """Whether every root of Reed and Solomon's generator is one of the polynomial's (tables, not our product)."""
    powers = [1]
    for _ in range(254):
        powers.append((powers[-1] << 1) ^ (0x11D if powers[-1] & 0x80 else 0))
    logs = {power: exponent for exponent, power in enumerate(powers)}
    for root in range(26):
        value = 0
        for byte in content:
            value = (powers[(logs[value] + root) % 255] if value else 0) ^ byte
        if value:
            return False
    return True


@pytest.mark.parametrize("size", [None, 45, 300, 1000])
def test_the_code_leads_to_the_payment_page(simulator: Simulator, client: PayPartsClient, size: int | None) -> None:
    token = client.create(to_pay()).token
    picture = picture_of(client.qr(token, AMOUNT, size=size, merchant_type="PP"))
    assert len(picture) == (size or 225)
    assert text_of(modules_of(picture)) == client.redirect_url(token)
    # Who only asks for a picture is no customer who has come.
    assert simulator.payment(ORDER_ID).state == "CREATED"


def test_the_fixed_parts_are_where_a_reader_looks_for_them() -> None:
    drawn = qr.modules("http://bank.example/")
    finder = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]
    for top, left in ((0, 0), (0, 30), (30, 0)):
        assert ["".join(str(drawn[top + row, left + column]) for column in range(7)) for row in range(7)] == finder
    assert [drawn[30, column] for column in range(28, 33)] == [1, 0, 1, 0, 1]
    assert [drawn[6, column] for column in range(8, 29)] == [1, 0] * 10 + [1]
    # Level L, mask 0, as ISO/IEC 18004 prints them, and beside each of the finders.
    beside = [drawn[8, column] for column in (0, 1, 2, 3, 4, 5, 7, 8)] + [
        drawn[row, 8] for row in (7, 5, 4, 3, 2, 1, 0)
    ]
    assert "".join(map(str, beside)) == "111011111000100"
    assert [drawn[row, 8] for row in range(36, 29, -1)] + [drawn[8, column] for column in range(29, 37)] == beside


@pytest.mark.parametrize("text", ["a", "b" * 105, "c" * 106])
def test_any_address_that_fits_can_be_read(text: str) -> None:
    drawn = qr.modules(text)
    assert text_of([[drawn[row, column] for column in range(37)] for row in range(37)]) == text


@pytest.mark.parametrize("amount", ["999.99", "0.00"])
def test_the_amount_must_be_the_payments(client: PayPartsClient, amount: str) -> None:
    token = client.create(to_pay()).token
    with pytest.raises(BankRefused, match="INCORRECT TOKEN"):
        client.qr(token, Decimal(amount))


def test_an_unknown_token_has_no_code(client: PayPartsClient) -> None:
    with pytest.raises(BankRefused, match="INCORRECT TOKEN OR PAYMENT DOES NOT EXIST"):
        client.qr("NOBODY", AMOUNT)


@pytest.mark.parametrize("size", [0, 44, 1001])
def test_a_picture_has_a_size_that_can_be_drawn(client: PayPartsClient, size: int) -> None:
    token = client.create(to_pay()).token
    with pytest.raises(BankRefused, match="size"):
        client.qr(token, AMOUNT, size=size)


@pytest.mark.parametrize("query", ["", "?token=", "?size=²", "?amount=much"])
def test_a_query_without_sense_is_refused(shop: Shop, query: str) -> None:
    address = shop.simulator.api_url.replace("v2/", f"qr/generate{query}")
    reply = shop.session.get(address, timeout=5).json()
    assert reply == {"state": "FAIL", "errorMessage": "INCORRECT TOKEN OR PAYMENT DOES NOT EXIST"}


def test_the_amount_may_be_left_out_as_in_the_documents_example(shop: Shop) -> None:
    token = shop.created_token()
    address = shop.simulator.api_url.replace("v2/", f"qr/generate?token={token}")
    assert shop.session.get(address, timeout=5).json()["state"] == "SUCCESS"


def test_tokens_are_not_remembered_with_the_requests(simulator: Simulator, client: PayPartsClient) -> None:
    token = client.create(to_pay()).token
    client.qr(token, AMOUNT)
    assert simulator.requests[-1].endpoint == "qr"
    assert token not in str(simulator.requests)


def test_an_address_that_does_not_fit_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qr, "LONGEST_TEXT", 60)
    with run_simulator() as simulator:
        client = client_of(simulator)
        with pytest.raises(BankRefused, match="too long"):
            client.qr(client.create(to_pay()).token, AMOUNT)
