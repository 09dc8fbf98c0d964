"""How many examples property-based tests try: `thorough` by default, few in `make test-fast` and `make mutate`.

None has a deadline for an example: on a busy machine any of them can take long.
"""

from hypothesis import HealthCheck, settings

THOROUGH, QUICK, MUTATION = "thorough", "quick", "mutation"
_A_FEW = 10


def register() -> None:
    """Make them known to `--hypothesis-profile`; `thorough` is on."""
    on_a_busy_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile(THOROUGH, on_a_busy_machine)
    settings.register_profile(QUICK, on_a_busy_machine, max_examples=_A_FEW)
    # mutmut runs the tests several times in one process, each time with new instances of their classes.
    collected_again = [*on_a_busy_machine.suppress_health_check, HealthCheck.differing_executors]
    settings.register_profile(MUTATION, settings.get_profile(QUICK), suppress_health_check=collected_again)
    settings.load_profile(THOROUGH)


def examples(count: int, *, quick: int = _A_FEW) -> int:
    """Return `count`, for a test that says itself how many it needs, or where few are enough `quick` at most."""
    return count if settings.get_current_profile_name() == THOROUGH else min(count, quick)
