"""The meaning of a definition: what can be wrong although every key is known and every value has
the right form.
"""

from flows.check_alarms import check_alarms
from flows.check_clock import check_clock
from flows.check_feeding import check_feeding
from flows.check_history import check_history
from flows.check_levels import check_levels
from flows.check_metrics import check_metrics
from flows.check_references import check_references
from flows.check_steps import check_steps
from flows.check_tables import check_tables
from flows.check_tests import check_tests
from flows.check_texts import check_texts
from flows.check_timing import check_timing
from flows.check_units import check_units
from flows.scope import WHOLE, LeftOut, Scope

__all__ = ["WHOLE", "LeftOut", "Scope", "check"]


def check(scope: Scope) -> None:
    """Note every problem of the flow's meaning in its document."""
    check_references(scope)
    check_tables(scope)
    check_history(scope)
    check_steps(scope)
    check_alarms(scope)
    check_levels(scope)
    check_feeding(scope)
    check_timing(scope)
    check_clock(scope)
    check_metrics(scope)
    check_units(scope)
    check_texts(scope)
    check_tests(scope)
