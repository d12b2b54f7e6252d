"""Temperature, humidity and motion of server rooms."""

from infra.grafana.panels import (
    CLICKHOUSE,
    board,
    lines,
    panel,
    query_variable,
    series,
    sql,
    stat,
    table,
)

SUBJECT = query_variable(
    "subject", "Probe", CLICKHOUSE,
    """SELECT DISTINCT subject FROM readings
    WHERE metric IN ('temperature', 'humidity') AND $__timeFilter_ms(time) ORDER BY subject""",
)  # fmt: skip
CHOSEN = "$__conditionalAll(subject IN (${subject:singlequote}), $subject)"


def course(metric: str) -> str:
    """Means, for lines, and only of what is data."""
    return f"""SELECT $__timeInterval(time) AS bucket, subject, avg(value) AS {metric}
        FROM readings WHERE metric = '{metric}' AND quality = 'good'
        AND $__timeFilter_ms(time) AND {CHOSEN} GROUP BY bucket, subject ORDER BY bucket, subject"""


BOARD = board(
    "server-room", "Server room", "Climate, people inside, and probes that fell silent.",
    [
        stat(
            "Warmest",
            sql(f"""SELECT max(value) AS temperature FROM readings
                WHERE metric = 'temperature' AND quality = 'good'
                AND $__timeFilter_ms(time) AND {CHOSEN}"""),
            unit="celsius", width=6,
            limits=((None, "green"), (28, "orange"), (30, "red")),
        ),
        stat(
            "Coldest",
            sql(f"""SELECT min(value) AS temperature FROM readings
                WHERE metric = 'temperature' AND quality = 'good'
                AND $__timeFilter_ms(time) AND {CHOSEN}"""),
            unit="celsius", width=6,
        ),
        stat(
            "Dampest",
            sql(f"""SELECT max(value) AS humidity FROM readings
                WHERE metric = 'humidity' AND quality = 'good'
                AND $__timeFilter_ms(time) AND {CHOSEN}"""),
            unit="humidity", width=6,
            limits=((None, "green"), (65, "orange"), (70, "red")),
        ),
        stat(
            "Somebody came in",
            sql("""SELECT countIf(value = 1 AND before = 0) AS times FROM (
                SELECT value, lagInFrame(value, 1, 0) OVER (PARTITION BY subject ORDER BY time
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before
                FROM readings FINAL WHERE metric = 'motion' AND $__timeFilter_ms(time))"""),
            width=6,
        ),
        lines(
            "Temperature", series(course("temperature")), unit="celsius",
            limits=((None, "transparent"), (30, "red")),
        ),
        lines(
            "Humidity", series(course("humidity")), unit="humidity",
            limits=((None, "transparent"), (70, "red")),
        ),
        panel(
            "state-timeline", "Motion",
            series("""SELECT time, subject, toUInt8(value) AS motion FROM readings FINAL
                WHERE metric = 'motion' AND value IS NOT NULL AND $__timeFilter_ms(time)
                ORDER BY time LIMIT 10000"""),
            width=24, height=6,
        ),
        table(
            "Probes",
            sql(f"""SELECT subject, metric, max(readings.time) AS heard,
                dateDiff('second', heard, $__toTime_ms) AS silent_for,
                max(gap) AS longest_gap, count() AS readings
                FROM (SELECT subject, metric, time, dateDiff('second', lagInFrame(time, 1, time)
                    OVER (PARTITION BY subject, metric ORDER BY time
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), time) AS gap
                    FROM readings FINAL WHERE metric IN ('temperature', 'humidity')
                    AND $__timeFilter_ms(time) AND {CHOSEN}) AS readings
                GROUP BY subject, metric ORDER BY silent_for DESC"""),
            "Seconds since the last reading, and the longest silence in the span.",
            width=24, unit="s",
        ),
    ],
    [SUBJECT],
)  # fmt: skip
