"""All checks of a definition's meaning, in their order."""

from flows.checks.alarms import check_alarms, check_levels
from flows.checks.clickhouse_kinds import check_history
from flows.checks.context import WHOLE, LeftOut, Scope
from flows.checks.dialects import check_dialects
from flows.checks.influxdb_tags import check_tags
from flows.checks.metrics import check_metrics
from flows.checks.never_true import check_limits
from flows.checks.placeholders import check_texts
from flows.checks.references import check_references
from flows.checks.several_metrics import check_sums
from flows.checks.step_ids import check_steps
from flows.checks.tables import check_tables
from flows.checks.tests_section import check_tests
from flows.checks.timing import check_clock, check_timing
from flows.checks.units import check_units
from flows.checks.unreachable import check_feeding

__all__ = ["WHOLE", "LeftOut", "Scope", "check"]


def check(scope: Scope) -> None:
    """Note every problem of the flow's meaning in its document."""
    if not check_references(scope):
        return
    check_tables(scope)
    check_history(scope)
    check_tags(scope)
    check_steps(scope)
    check_dialects(scope)
    check_alarms(scope)
    check_levels(scope)
    check_feeding(scope)
    check_limits(scope)
    check_timing(scope)
    check_clock(scope)
    check_metrics(scope)
    check_units(scope)
    check_sums(scope)
    check_texts(scope)
    check_tests(scope)
