"""The state machine: the table of the design, and what holds over every sequence of observations."""

from __future__ import annotations

from itertools import product

import pytest

from wagtail_payparts.states import (
    FINAL,
    NEGATIVE,
    OBSERVABLE,
    PROGRESS,
    Move,
    PaymentState,
    decide,
    from_bank,
)


S = PaymentState

# Rows: where the payment stands. Columns: CREATED CLIENT_WAIT OTP_WAITING PP_CREATION LOCKED SUCCESS CANCELED FAIL.
# > apply, = duplicate, . stale, L late, Q quietly, C conflict.
DESIGN = """
NEW         > > > > > > > >
CREATED     = > > > > > > >
CLIENT_WAIT . = > > > > > >
OTP_WAITING . . = > > > > >
PP_CREATION . . . = > > > >
LOCKED      . . . . = > > >
SUCCESS     . . . . . = C C
CANCELED    . . . . L L = .
FAIL        . . . . L L . =
EXPIRED     . . . . L L Q Q
"""
SIGNS = {
    ">": Move.APPLY,
    "=": Move.DUPLICATE,
    ".": Move.STALE,
    "L": Move.LATE,
    "Q": Move.QUIET,
    "C": Move.CONFLICT,
}


def _cells() -> list[tuple[PaymentState, PaymentState, Move]]:
    rows = [line.split() for line in DESIGN.strip().splitlines()]
    return [(S(row[0]), seen, SIGNS[sign]) for row in rows for seen, sign in zip(OBSERVABLE, row[1:], strict=True)]


@pytest.mark.parametrize(("now", "seen", "move"), _cells())
def test_each_cell_of_the_table_is_as_designed(now: PaymentState, seen: PaymentState, move: Move) -> None:
    assert decide(now, seen).move is move


@pytest.mark.parametrize("was_negative", [False, True])
@pytest.mark.parametrize(("now", "seen", "move"), _cells())
def test_each_cell_ends_and_tells_staff_as_designed(
    now: PaymentState, seen: PaymentState, move: Move, was_negative: bool
) -> None:
    """Where the payment stands afterwards, what sticks, and what is put before a person."""
    decision = decide(now, seen, was_negative=was_negative)
    moves = move in {Move.APPLY, Move.LATE, Move.QUIET}
    assert decision.state == (seen if moves else now)
    assert decision.was_negative == (was_negative or (moves and seen in NEGATIVE))
    is_late = moves and (was_negative or now in NEGATIVE) and seen in {S.LOCKED, S.SUCCESS}
    late = "late_lock" if seen == S.LOCKED else "late_success"
    assert decision.attention == (late if is_late else "negative_after_success" if move is Move.CONFLICT else "")


def test_the_table_covers_every_state_and_every_word_of_the_bank() -> None:
    assert len(_cells()) == len(S) * len(OBSERVABLE) == 80


def test_a_rejected_payment_counts_as_refused() -> None:
    assert from_bank("REJECTED") is S.FAIL


@pytest.mark.parametrize("word", ["", "success", "WAIT_LIQPAY", "NEW", "EXPIRED", "SUCCESS "])
def test_a_word_that_the_bank_does_not_use_is_no_state(word: str) -> None:
    assert from_bank(word) is None


def test_a_negative_word_after_a_full_refund_is_no_conflict() -> None:
    assert decide(S.SUCCESS, S.CANCELED, fully_refunded=True).move is Move.STALE
    assert decide(S.SUCCESS, S.CANCELED, fully_refunded=True).attention == ""


def test_money_that_comes_by_way_of_a_late_hold_is_late_too() -> None:
    held = decide(S.CANCELED, S.LOCKED, was_negative=True)
    paid = decide(held.state, S.SUCCESS, was_negative=held.was_negative)
    assert (held.move, held.attention) == (Move.LATE, "late_lock")
    assert (paid.move, paid.attention) == (Move.LATE, "late_success")


def _run(observed: tuple[PaymentState, ...], start: PaymentState = S.NEW) -> tuple[PaymentState, list[str], int]:
    """The end of a sequence: the state, the attentions in order, and how often money was announced."""
    state, was_negative, attentions, money = start, start in NEGATIVE, [], 0
    for seen in observed:
        decision = decide(state, seen, was_negative=was_negative)
        if decision.move.moves and decision.state == S.SUCCESS:
            money += 1
        state, was_negative = decision.state, decision.was_negative
        attentions += [decision.attention] if decision.attention else []
    return state, attentions, money


SEQUENCES = [seq for length in range(1, 6) for seq in product(OBSERVABLE, repeat=length)]


@pytest.mark.parametrize("start", [S.NEW, S.EXPIRED])
def test_over_all_sequences_money_is_announced_once_and_kept(start: PaymentState) -> None:
    for seq in SEQUENCES:
        state, attentions, money = _run(seq, start)
        paid = S.SUCCESS in seq
        assert (state == S.SUCCESS) == paid, seq
        assert money == int(paid), seq
        negative = bool({S.CANCELED, S.FAIL} & set(seq)) or start == S.EXPIRED
        if paid and negative:
            assert {"late_success", "negative_after_success"} & set(attentions), seq
        if not negative:
            assert not attentions, seq


def test_over_all_sequences_the_order_of_observations_does_not_change_the_end() -> None:
    """Without a hold, which may truly end either way: paid, refused or how far along, and whether staff look at it."""
    kinds: dict[frozenset[PaymentState], set[tuple[str, bool]]] = {}
    for seq in SEQUENCES:
        if S.LOCKED in seq:
            continue
        state, attentions, _money = _run(seq)
        kind = "negative" if state in NEGATIVE else str(state)
        kinds.setdefault(frozenset(seq), set()).add((kind, bool(attentions)))
    assert kinds
    for words, ends in kinds.items():
        assert len(ends) == 1, words


def test_over_all_sequences_a_payment_never_moves_back_before_the_decision() -> None:
    rank = {state: step for step, state in enumerate(PROGRESS)} | dict.fromkeys(FINAL, len(PROGRESS))
    for now, seen in product(PROGRESS, OBSERVABLE):
        assert rank[decide(now, seen).state] >= rank[now]
