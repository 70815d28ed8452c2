from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from cluster.campaigns import until

from qvar.runs.stop import DEADLINE, Stop, listening


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qvar.runs.stop._LOOK_S", 0.05)


def wait_for(stop: Stop) -> None:
    until(lambda: stop.asked)


@pytest.mark.parametrize(
    ("number", "again"),
    [(signal.SIGUSR1, True), (signal.SIGUSR2, True), (signal.SIGTERM, False), (signal.SIGINT, False)],
)
def test_a_signal_asks_to_stop_and_to_go_back_or_not(number: signal.Signals, again: bool) -> None:
    before = signal.getsignal(number)
    with listening(lambda: False, 100.0, lambda _: None) as stop:
        assert not stop.asked
        assert stop.seconds < 0
        os.kill(os.getpid(), number)
        wait_for(stop)
        assert (stop.reason, stop.again) == (f"signal {number.name}", again)
        assert 0 <= stop.seconds < 60
    assert signal.getsignal(number) is before
    assert threading.active_count() == 1 or not [t for t in threading.enumerate() if t.name == "qvar stop"]


def test_a_request_to_end_for_good_overrules_one_to_go_back() -> None:
    # at preemption Slurm may send both within milliseconds, and starts the job again by itself
    with listening(lambda: False, 100.0, lambda _: None) as stop:
        os.kill(os.getpid(), signal.SIGUSR1)
        wait_for(stop)
        os.kill(os.getpid(), signal.SIGTERM)
        until(lambda: not stop.again)
        assert (stop.reason, stop.again) == ("signal SIGUSR1", False)


def test_the_deadline_and_a_cancelled_campaign_ask_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEADLINE, str(time.time() + 0.2))
    with listening(lambda: False, 100.0, lambda _: None) as stop:
        wait_for(stop)
        assert (stop.reason, stop.again) == ("the time limit is near", True)
    monkeypatch.setenv(DEADLINE, "soon")
    with listening(lambda: True, 100.0, lambda _: None) as stop:
        wait_for(stop)
        assert (stop.reason, stop.again) == ("the campaign was cancelled", False)


def test_work_that_does_not_stop_is_noted_once_while_the_main_thread_is_busy() -> None:
    reasons: list[str] = []
    with listening(lambda: False, 0.1, lambda stop: reasons.append(stop.reason)):
        os.kill(os.getpid(), signal.SIGUSR1)
        until(lambda: reasons)
        time.sleep(0.3)
    assert reasons == ["signal SIGUSR1"]
