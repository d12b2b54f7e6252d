"""Vigie itself: what waits, what is behind, what could not be processed."""

from infra.grafana.panels import board, lines, promql, stat

BAD = ((None, "green"), (1, "red"))

BOARD = board(
    "health", "Vigie's own health", "From the metrics of the api and of each flow.",
    [
        stat(
            "Flows that do not evaluate alarms",
            promql("count(vigie_api_flow_up == 0) or vector(0)", "flows"),
            "Gone, blind or stopped.", limits=BAD, width=6,
        ),
        stat(
            "Services that do not answer",
            promql("count(vigie_connector_up == 0) or vector(0)", "services"),
            limits=BAD, width=6,
        ),
        stat(
            "Set aside in the last hour",
            promql("sum(increase(vigie_counted_total[1h])) or vector(0)", "events"),
            "Dropped, refused or noticed, whatever the reason.", width=6,
        ),
        stat("Clients", promql("sum(vigie_api_clients)", "clients"), width=6),
        lines(
            "Events per second",
            promql("sum by (flow, name) (rate(vigie_events_total[5m]))", "{{flow}}: {{name}}"),
            unit="ops",
        ),
        lines(
            "Set aside per second",
            promql(
                "sum by (flow, step, reason) (rate(vigie_counted_total[5m]))",
                "{{flow}}: {{step}} {{reason}}",
            ),
            unit="ops",
        ),
        lines(
            "Unread records",
            promql("max by (flow, name) (vigie_source_lag_records)", "{{flow}}: {{name}}"),
            "It grows where a flow cannot keep up.",
        ),
        lines(
            "Waiting for sinks",
            promql("max by (flow, name) (vigie_sink_lag_records)", "{{flow}}: {{name}}"),
            "It grows while the sink's service is down.",
        ),
        lines(
            "Age of the newest event",
            promql("max by (flow, name) (vigie_source_age_seconds)", "{{flow}}: {{name}}"),
            "It grows while a source is silent.", unit="s",
        ),
        lines(
            "Share of the topic's keeping",
            promql(
                """max by (flow, name) (vigie_source_behind_seconds)
                / max by (flow, name) (vigie_source_retention_seconds)""",
                "{{flow}}: {{name}}",
            ),
            "At 1 the topic loses records that were not read.",
            unit="percentunit",
            limits=((None, "transparent"), (0.5, "orange"), (0.8, "red")),
        ),
        lines(
            "Push",
            promql("sum(rate(vigie_api_pushed_total[5m]))", "events per second"), unit="ops",
        ),
        lines(
            "Logins",
            promql("sum by (outcome) (rate(vigie_api_logins_total[5m]))", "{{outcome}}"),
            unit="ops",
        ),
    ],
    span="now-6h",
)  # fmt: skip
