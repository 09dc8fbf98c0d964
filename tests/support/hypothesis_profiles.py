"""How many examples property-based tests try: `thorough` by default, `quick` in `make test-fast`.

Neither has a deadline for an example: on a busy machine any of them can take long.
"""

from hypothesis import HealthCheck, settings

THOROUGH, QUICK = "thorough", "quick"
_A_FEW = 10


def register() -> None:
    """Make both known to `--hypothesis-profile`; `thorough` is on."""
    on_a_busy_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile(THOROUGH, on_a_busy_machine)
    settings.register_profile(QUICK, on_a_busy_machine, max_examples=_A_FEW)
    settings.load_profile(THOROUGH)


def examples(count: int, *, quick: int = _A_FEW) -> int:
    """Return `count`, for a test that says itself how many it needs, or in the quick profile `quick` at most."""
    return min(count, quick) if settings.get_current_profile_name() == QUICK else count
