"""Power and energy, from the windows that the flow `energy` keeps in InfluxDB."""

from infra.grafana.panels import (
    INFLUXDB,
    TIMEZONE,
    board,
    influxql,
    lines,
    panel,
    query_variable,
    stat,
)

SUBJECT = query_variable(
    "subject", "Meter", INFLUXDB, 'SHOW TAG VALUES FROM "power" WITH KEY = "subject"'
)
CHOSEN = '"subject" =~ /^${subject:regex}$/'
BARS = {"xField": "Time", "showValue": "auto", "stacking": "normal"}

BOARD = board(
    "energy", "Energy", "Means of each minute; energy is their integral.",
    [
        stat(
            "Surplus",
            influxql("""SELECT last("value") FROM "surplus" WHERE $timeFilter
                GROUP BY "subject" """),
            "What the roof makes, less what is bought.",
            unit="watt", width=6,
            limits=((None, "red"), (0, "green")),
        ),
        stat(
            "Power now",
            influxql(f"""SELECT last("mean") FROM "power" WHERE {CHOSEN} AND $timeFilter
                GROUP BY "subject" """),
            unit="watt", width=18,
        ),
        lines(
            "Power",
            influxql(f"""SELECT mean("mean") FROM "power" WHERE {CHOSEN} AND $timeFilter
                GROUP BY time($__interval), "subject" fill(null)"""),
            unit="watt", width=24,
        ),
        lines(
            "Peaks",
            influxql(f"""SELECT max("max") FROM "power" WHERE {CHOSEN} AND $timeFilter
                GROUP BY time($__interval), "subject" fill(null)"""),
            "Highest reading of each minute.",
            unit="watt",
        ),
        lines(
            "Surplus",
            influxql("""SELECT mean("value") FROM "surplus" WHERE $timeFilter
                GROUP BY time($__interval), "subject" fill(null)"""),
            unit="watt",
        ),
        panel(
            "barchart", "Energy of each day",
            influxql(f"""SELECT integral("mean", 1h) / 1000 FROM "power"
                WHERE {CHOSEN} AND $timeFilter
                GROUP BY time(1d), "subject" fill(none) tz('$timezone')"""),
            "Days of the time zone above: one has 23 hours, one has 25.",
            unit="kwatth", options=BARS,
        ),
        lines(
            "Temperature",
            influxql("""SELECT mean("mean") FROM "temperature" WHERE $timeFilter
                GROUP BY time($__interval), "subject" fill(null)"""),
            unit="celsius",
        ),
    ],
    [SUBJECT, TIMEZONE],
    span="now-7d",
)  # fmt: skip
