"""The door of the package: from the settings of an alarm to the logic that runs it."""

from operators.alarms.base_logic import AlarmLogic
from operators.alarms.condition_logic import ConditionLogic
from operators.alarms.rules_logic import RulesLogic
from operators.alarms.settings import Alarm
from operators.component import StepContext


def make_logic(alarm: Alarm, context: StepContext) -> AlarmLogic:
    """Make the alarm's logic for one shard; it gives `AlarmTransition` events."""
    return ConditionLogic(alarm, context) if alarm.when is not None else RulesLogic(alarm, context)
