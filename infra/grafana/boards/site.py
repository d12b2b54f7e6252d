"""The site at a glance: what stands, what is measured, what fell silent."""

from infra.grafana.panels import CLICKHOUSE, board, lines, query_variable, series, sql, stat, table

SUBJECT = query_variable(
    "subject", "Subject", CLICKHOUSE,
    "SELECT DISTINCT subject FROM readings WHERE $__timeFilter_ms(time) ORDER BY subject",
)  # fmt: skip
CHOSEN = "$__conditionalAll(subject IN (${subject:singlequote}), $subject)"

BOARD = board(
    "site", "Site overview", "What stands now, and what is measured.",
    [
        stat(
            "Standing alarms",
            sql("""SELECT countIf(has(flags, 'active') AND NOT hasAny(flags,
                ['suppressed', 'oos', 'disabled', 'shelved:timed', 'shelved:oneshot'])) AS alarms
                FROM alarm_events_current"""),
            "Raised, not over, and not hidden; now, whatever the span.",
            limits=((None, "green"), (1, "orange"), (10, "red")),
        ),
        stat(
            "Not acknowledged",
            sql("SELECT countIf(has(flags, 'unacked')) AS alarms FROM alarm_events_current"),
            limits=((None, "green"), (1, "orange")),
        ),
        stat(
            "Alarms in the span",
            sql("""SELECT count() AS alarms FROM alarm_events FINAL
                WHERE event = 'activated' AND annunciate AND $__timeFilter_ms(recorded)"""),
            "Those that people were told of.",
        ),
        stat(
            "Subjects heard",
            sql("SELECT uniq(subject) AS n FROM readings WHERE $__timeFilter_ms(time)"),
        ),
        stat(
            "Readings",
            sql("SELECT uniq(id) AS n FROM readings WHERE $__timeFilter_ms(time)"),
        ),
        stat(
            "Without data",
            sql("""SELECT countIf(quality = 'bad') / greatest(count(), 1) AS share FROM readings
                WHERE $__timeFilter_ms(time)"""),
            "Share of readings of quality bad.",
            unit="percentunit",
            limits=((None, "green"), (0.01, "orange"), (0.1, "red")),
        ),
        table(
            "Standing alarms",
            sql("""SELECT time, priority, alarm, subject, value, unit, state, response
                FROM alarm_events_current WHERE has(flags, 'active')
                ORDER BY indexOf(['critical', 'high', 'medium', 'low'], priority), time DESC"""),
            width=24,
        ),
        lines(
            "Alarms by priority",
            series("""SELECT $__timeInterval(recorded) AS bucket, priority, count() AS alarms
                FROM alarm_events FINAL
                WHERE event = 'activated' AND annunciate AND $__timeFilter_ms(recorded)
                GROUP BY bucket, priority ORDER BY bucket, priority"""),
        ),
        lines(
            "Readings",
            series(f"""SELECT $__timeInterval(time) AS bucket, subject, count() AS readings
                FROM readings WHERE $__timeFilter_ms(time) AND {CHOSEN}
                GROUP BY bucket, subject ORDER BY bucket, subject"""),
        ),
        table(
            "Last reading of every signal",
            sql(f"""SELECT subject, metric, argMax(value, time) AS value,
                argMax(text, time) AS text, argMax(unit, time) AS unit,
                argMax(quality, time) AS quality, max(readings.time) AS heard
                FROM readings WHERE $__timeFilter_ms(time) AND {CHOSEN}
                GROUP BY subject, metric ORDER BY subject, metric LIMIT 1000"""),
            width=24, height=12,
        ),
    ],
    [SUBJECT],
)  # fmt: skip
