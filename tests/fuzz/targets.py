"""All targets by name."""

from tests.fuzz import alarms, binlog, decoders, definitions, influx, records
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        *decoders.TARGETS,
        *records.TARGETS,
        *binlog.TARGETS,
        *influx.TARGETS,
        *definitions.TARGETS,
        *alarms.TARGETS,
    )
}
