import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.fraud import discovery_rates
from tests import naive_fraud as naive


@given(
    st.lists(st.floats(-5, 25), min_size=1, max_size=30),
    st.integers(0, 300),
    st.floats(0.001, 0.5),
)
def test_discoveries_are_those_of_the_slow_twin(
    logs: list[float], untested: int, rate: float
) -> None:
    hypotheses = len(logs) + untested
    rates = discovery_rates(np.array(logs), hypotheses)
    found = set(np.flatnonzero(rates <= rate).tolist())
    # A rate on the very edge may be rounded to either side.
    lower = naive.discoveries(np.exp(logs).tolist(), hypotheses, rate * (1 - 1e-9))
    upper = naive.discoveries(np.exp(logs).tolist(), hypotheses, rate * (1 + 1e-9))
    assert lower <= found <= upper
    assert ((rates > 0) & (rates <= 1)).all()


def test_no_evidence_is_no_discovery() -> None:
    assert discovery_rates(np.zeros(0), 10).shape == (0,)
    assert discovery_rates(np.array([0.0, -3.0]), 2).tolist() == [1.0, 1.0]
