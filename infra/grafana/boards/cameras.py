"""What cameras and other sensors saw: events by kind, place and hour."""

from infra.grafana.panels import (
    CLICKHOUSE,
    TIMEZONE,
    board,
    lines,
    panel,
    query_variable,
    series,
    sql,
    stat,
    table,
)

CAMERA = query_variable(
    "camera", "Camera", CLICKHOUSE,
    "SELECT DISTINCT subject FROM events WHERE $__timeFilter_ms(time) ORDER BY subject",
)  # fmt: skip
CHOSEN = "$__conditionalAll(subject IN (${camera:singlequote}), $camera)"

BOARD = board(
    "cameras", "Cameras", "Events of cameras, by type, place and hour.",
    [
        stat(
            "Events",
            sql(f"""SELECT uniq(id) AS events FROM events
                WHERE $__timeFilter_ms(time) AND {CHOSEN}"""),
            width=8,
        ),
        stat(
            "Cameras with events",
            sql(f"""SELECT uniq(subject) AS cameras FROM events
                WHERE $__timeFilter_ms(time) AND {CHOSEN}"""),
            width=8,
        ),
        stat(
            "Last event",
            sql(f"""SELECT maxOrNull(events.time) AS last FROM events
                WHERE $__timeFilter_ms(time) AND {CHOSEN}"""),
            unit="dateTimeAsIso", width=8,
        ),
        lines(
            "Events by type",
            series(f"""SELECT $__timeInterval(time) AS bucket, type, uniq(id) AS events
                FROM events WHERE $__timeFilter_ms(time) AND {CHOSEN}
                GROUP BY bucket, type ORDER BY bucket, type"""),
        ),
        lines(
            "Events by camera",
            series(f"""SELECT $__timeInterval(time) AS bucket, subject, uniq(id) AS events
                FROM events WHERE $__timeFilter_ms(time) AND {CHOSEN}
                GROUP BY bucket, subject ORDER BY bucket, subject"""),
        ),
        panel(
            "barchart", "Events by hour of the day",
            sql(f"""SELECT toString(hour) AS hour, events FROM (
                SELECT toHour(time, '$timezone') AS hour, uniq(id) AS events FROM events
                WHERE $__timeFilter_ms(time) AND {CHOSEN} GROUP BY hour ORDER BY hour)"""),
            options={"xField": "hour"},
        ),
        table(
            "Types",
            sql(f"""SELECT subject AS camera, type, uniq(id) AS events, max(events.time) AS last
                FROM events WHERE $__timeFilter_ms(time) AND {CHOSEN}
                GROUP BY camera, type ORDER BY events DESC LIMIT 100"""),
        ),
        table(
            "Latest events",
            sql(f"""SELECT time, subject AS camera, type, data FROM events FINAL
                WHERE $__timeFilter_ms(time) AND {CHOSEN} ORDER BY time DESC LIMIT 200"""),
            width=24, height=12,
        ),
    ],
    [CAMERA, TIMEZONE],
)  # fmt: skip
