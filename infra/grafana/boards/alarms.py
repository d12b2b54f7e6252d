"""Whether the alarms of the site are fit for people: the figures of EEMUA 191."""

from infra.grafana.panels import (
    CLICKHOUSE,
    TIMEZONE,
    Json,
    board,
    lines,
    panel,
    query_variable,
    series,
    sql,
    stat,
    table,
)

RULE = query_variable(
    "rule", "Rule", CLICKHOUSE,
    "SELECT DISTINCT rule FROM alarm_events WHERE $__timeFilter_ms(recorded) ORDER BY rule",
)  # fmt: skip
CHOSEN = "$__conditionalAll(rule IN (${rule:singlequote}), $rule)"
DAYS = "day >= toDate($__fromTime, '$timezone') AND day <= toDate($__toTime, '$timezone')"
TOLD = f"event = 'activated' AND annunciate AND $__timeFilter_ms(recorded) AND {CHOSEN}"


def figure(title: str, kpi: str, about: str, unit: str, *limits: float) -> Json:
    """A figure of the days of the span: their mean, but of the largest peak the largest."""
    how = "max" if kpi in ("peak10", "stale", "standing") else "avg"
    colours = ["green", "orange", "red"]
    steps = [(None if n == 0 else limits[n - 1], colours[n]) for n in range(len(limits) + 1)]
    return stat(
        title,
        sql(f"""SELECT {how}OrNull(value) AS value FROM alarm_events_kpi
            WHERE kpi = '{kpi}' AND {DAYS}"""),
        about, unit=unit, limits=steps,
    )  # fmt: skip


BOARD = board(
    "alarms", "Alarms", "The alarm system after EEMUA 191 and ISA-18.2, by days of the site.",
    [
        figure("Alarms per 10 minutes", "rate10", "At most 1 is manageable.", "short", 1, 2),
        figure("Alarms per day", "daily", "At most 144 a position.", "short", 144, 288),
        figure("Most in 10 minutes", "peak10", "At most 10.", "short", 10, 40),
        figure("Overloaded", "overloaded", "Under 1 % of the time.", "percentunit", 0.01, 0.05),
        figure("In a flood", "in_flood", "Under 1 % of the time.", "percentunit", 0.01, 0.05),
        figure("Chattering", "chattering", "Three times within a minute: none.", "short", 1),
        figure("Fleeting", "fleeting", "Over within 10 s.", "percentunit", 0.05, 0.2),
        figure("Stale", "stale", "Standing for over a day: under 5.", "short", 5, 20),
        figure("Standing", "standing", "At the end of the day.", "short", 10, 40),
        figure("Top ten rules", "top10", "Their share: 1 % to 5 %.", "percentunit", 0.05, 0.2),
        figure("Time to acknowledge", "ack_p50", "Median.", "s", 600, 3600),
        figure("Never acknowledged", "never_acked", "Over before anybody did.", "short", 1),
        lines(
            "Alarms per 10 minutes",
            series("""SELECT time, annunciated, masked FROM alarm_events_rate
                WHERE $__timeFilter_ms(time) ORDER BY time"""),
            "All rules; over 10 nobody keeps up.",
            width=24,
            limits=((None, "transparent"), (10, "red")),
        ),
        table(
            "Figures and their targets",
            sql(f"""SELECT kpi, avg(value) AS mean, max(value) AS most, any(target) AS target
                FROM alarm_events_kpi WHERE {DAYS} GROUP BY kpi ORDER BY kpi"""),
            height=10,
        ),
        table(
            "Most frequent rules",
            sql(f"""SELECT rule, count() AS alarms, uniq(subject) AS subjects,
                round(alarms / greatest(sum(alarms) OVER (), 1), 3) AS share
                FROM alarm_events FINAL WHERE {TOLD}
                GROUP BY rule ORDER BY alarms DESC, rule LIMIT 10"""),
            "The first to look at when there are too many.",
            height=10,
        ),
        panel(
            "barchart", "Alarms of each day",
            sql(f"""SELECT toString(day) AS day, alarms FROM (
                SELECT toDate(recorded, '$timezone') AS day, count() AS alarms
                FROM alarm_events FINAL WHERE {TOLD} GROUP BY day ORDER BY day)"""),
            "Days of the time zone above.",
            options={"xField": "day"},
        ),
        panel(
            "piechart", "Priorities",
            sql(f"""SELECT priority, count() AS alarms FROM alarm_events FINAL WHERE {TOLD}
                GROUP BY priority ORDER BY priority"""),
            "About 80 % low, 15 % medium, 5 % high and critical.",
            options={"reduceOptions": {"values": True, "calcs": [], "fields": ""}},
        ),
        table(
            "Chattering",
            sql(f"""SELECT rule, subject, count() AS alarms,
                min(recorded) AS first, max(recorded) AS last
                FROM alarm_events FINAL
                WHERE event = 'activated' AND $__timeFilter_ms(recorded) AND {CHOSEN}
                GROUP BY rule, subject HAVING alarms >= 3 ORDER BY alarms DESC LIMIT 50"""),
            "Most often raised; `chatter` or `clear` of the rule helps.",
        ),
        table(
            "Changes",
            sql(f"""SELECT time, rule, subject, change, state, priority, value, unit, user, comment
                FROM alarm_events FINAL WHERE $__timeFilter_ms(recorded) AND {CHOSEN}
                ORDER BY recorded DESC, seq DESC LIMIT 500"""),
            height=8,
        ),
    ],
    [RULE, TIMEZONE],
    span="now-7d",
)  # fmt: skip
