CREATE OR REPLACE VIEW `{table}_rate` AS
WITH bins AS (
    SELECT
        toStartOfInterval(recorded, INTERVAL 10 MINUTE, 'UTC') AS bin,
        countIf(annunciate) AS annunciated,
        countIf(NOT annunciate) AS masked
    FROM `{table}` FINAL
    WHERE event = 'activated'
    GROUP BY bin
    ORDER BY bin WITH FILL STEP INTERVAL 10 MINUTE
)
SELECT
    bin AS time,
    annunciated,
    masked,
    annunciated > 10 AS overloaded,
    ifNull(
        last_value(multiIf(annunciated > 10, 1, annunciated < 5, 0, NULL)) IGNORE NULLS
            OVER (ORDER BY bin ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
        0
    ) AS flood
FROM bins
