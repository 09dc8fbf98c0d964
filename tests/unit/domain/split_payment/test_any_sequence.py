"""Any order of what happens to a split payment, of any number of legs: captured money is all or nothing."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.saga.status import ENDED, SagaStatus
from domain.split_payment.values import SplitPaymentStatus
from tests.support.hypothesis_profiles import examples
from tests.unit.domain.split_payment.worlds import Stripe, World

_MOST_STEPS_TO_THE_END = 400


class SplitPaymentMachine(RuleBasedStateMachine):
    """Outcomes, deadlines, duplicates and operators in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None

    @initialize(legs=st.integers(2, 5), failures=st.integers(0, 2), operators=st.integers(0, 2))
    def begin(self, legs: int, failures: int, operators: int) -> None:
        stripe = Stripe(
            declines=failures,
            actions=failures,
            refused_cancellations=failures,
            failed_refunds=failures,
            ended_holds=failures > 0,
        )
        self.world = World.of(legs, stripe, operators=operators)

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        assert self.world is not None
        moves = self.world.moves()
        self.world = moves[data.draw(st.sampled_from(sorted(moves)))]()

    @precondition(lambda self: self.world is not None)
    @rule()
    def the_saga_takes_notice(self) -> None:
        assert self.world is not None
        self.world = self.world.stepped()

    @invariant()
    def a_step_that_is_made_twice_adds_nothing(self) -> None:
        if self.world is not None:
            once = self.world.stepped()
            twice = once.stepped()
            assert (twice.state, twice.legs) == (once.state, once.legs)

    @invariant()
    def nothing_is_taken_before_all_of_it_is_secured(self) -> None:
        if self.world is not None and self.world.state.status is SplitPaymentStatus.AUTHORIZING:
            assert not any(self.world.captured)

    def teardown(self) -> None:
        """Let Stripe answer everything from here on: it ends, and the money is all or nothing."""
        if self.world is not None:
            world = brought_to_its_end(self.world)
            assert world.state.saga_status in ENDED
            whole = [leg.amount.amount_cents for leg in world.state.legs.values()]
            if world.state.saga_status is SagaStatus.COMPLETED:
                assert world.captured == whole
            elif world.state.saga_status is SagaStatus.COMPENSATED:
                assert not any(world.captured)
                assert not any(world.held)


def brought_to_its_end(world: World) -> World:
    """What comes of it when Stripe carries out whatever is requested, and customers do nothing more."""
    for _ in range(_MOST_STEPS_TO_THE_END):
        world = world.stepped()
        moves = world.moves()
        names = (name for name in moves if name.partition(":")[0] in {"authorized", "captured", "canceled", "refunded"})
        name = next(names, "timer" if "timer" in moves else None)
        if name is None:
            return world
        world = moves[name]()
    raise AssertionError(f"it does not come to an end: {world.state.status}")


TestAnySequence = SplitPaymentMachine.TestCase
TestAnySequence.settings = settings(max_examples=examples(60), stateful_step_count=40)
