CREATE OR REPLACE VIEW `{table}_kpi` AS
WITH
    changes AS (
        SELECT
            rule, subject, occ, seq, event, time, recorded, annunciate, severity, flags,
            has(flags, 'active') AS active,
            hasAny(flags, ['suppressed', 'oos', 'disabled', 'shelved:timed', 'shelved:oneshot']) AS masked,
            leadInFrame(recorded, 1, now64(6, 'UTC')) OVER (
                PARTITION BY rule, subject ORDER BY seq ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
            ) AS ended
        FROM `{table}` FINAL
    ),
    raised AS (
        SELECT
            toDate(recorded, '{zone}') AS day, rule, subject, recorded, severity,
            multiIf(severity = 'critical', 'critical', severity = 'major', 'high', severity = 'warning', 'medium', 'low') AS rank
        FROM changes
        WHERE event = 'activated' AND annunciate
    ),
    occurrences AS (
        SELECT
            rule, subject, occ,
            minIf(time, event = 'activated') AS began,
            minIf(time, event = 'returned') AS returned,
            countIf(event = 'returned') > 0 AS is_returned,
            minIf(recorded, annunciate) AS heard,
            countIf(annunciate) > 0 AS is_heard,
            minIf(recorded, event = 'acked') AS acked,
            minIf(recorded, event = 'returned' AND has(flags, 'unacked')) AS missed,
            minIf(seq, annunciate) AS heard_seq,
            minIf(seq, event = 'acked') AS acked_seq,
            minIf(seq, event = 'returned' AND has(flags, 'unacked')) AS missed_seq,
            countIf(event = 'activated' AND has(flags, 'unacked')) > 0 AND is_heard AS wants_ack,
            wants_ack AND acked_seq > 0 AND heard_seq <= acked_seq AND (missed_seq = 0 OR acked_seq < missed_seq) AS is_acked,
            wants_ack AND missed_seq > 0 AND heard_seq <= missed_seq AND (acked_seq = 0 OR missed_seq < acked_seq) AS is_missed
        FROM changes
        WHERE occ > 0
        GROUP BY rule, subject, occ
        HAVING countIf(event = 'activated') > 0
    ),
    acks AS (
        SELECT toDate(acked, '{zone}') AS day, arraySort(groupArray(dateDiff('millisecond', heard, acked) / 1000)) AS waits
        FROM occurrences WHERE is_acked GROUP BY day
    ),
    days AS (
        SELECT
            toDate(recorded, '{zone}') AS day,
            dateDiff('second', toDateTime(day, '{zone}'), least(toDateTime(day + 1, '{zone}'), now('UTC'))) AS seconds
        FROM changes
        GROUP BY day
    ),
    standing AS (
        SELECT
            arrayJoin(arrayMap(n -> toDate(recorded, '{zone}') + n, range(toUInt32(toDate(ended, '{zone}') - toDate(recorded, '{zone}') + 1)))) AS day,
            rule, subject, occ, recorded, ended
        FROM changes
        WHERE active AND NOT masked
    ),
    figures AS (
        SELECT day, 'rate10' AS kpi, count() / (any(seconds) / 600) AS value, 1. AS target
        FROM raised INNER JOIN days USING (day) GROUP BY day
        UNION ALL
        SELECT day, 'daily', count(), 144 FROM raised GROUP BY day
        UNION ALL
        SELECT toDate(time, '{zone}') AS day, 'peak10', max(annunciated), 10 FROM `{table}_rate` GROUP BY day
        UNION ALL
        SELECT day, 'overloaded', any(bins) / (any(seconds) / 600), 0.01
        FROM (SELECT toDate(time, '{zone}') AS day, sum(overloaded) AS bins FROM `{table}_rate` GROUP BY day) AS loads
        INNER JOIN days USING (day) GROUP BY day
        UNION ALL
        SELECT day, 'in_flood', any(bins) / (any(seconds) / 600), 0.01
        FROM (SELECT toDate(time, '{zone}') AS day, sum(flood) AS bins FROM `{table}_rate` GROUP BY day) AS floods
        INNER JOIN days USING (day) GROUP BY day
        UNION ALL
        SELECT day, 'chattering', uniqExact(rule, subject), 0
        FROM (
            SELECT
                toDate(recorded, '{zone}') AS day, rule, subject, time,
                lagInFrame(time, 2) OVER (
                    PARTITION BY rule, subject ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                ) AS third
            FROM changes WHERE event = 'activated'
        )
        WHERE third > 0 AND time <= third + INTERVAL 60 SECOND GROUP BY day
        UNION ALL
        SELECT
            toDate(heard, '{zone}') AS day, 'fleeting',
            countIf(is_returned AND returned < began + INTERVAL 10 SECOND) / count(), NULL
        FROM occurrences WHERE is_heard GROUP BY day
        UNION ALL
        SELECT day, 'top10', sum(n) / any(total), 0.05
        FROM (
            SELECT day, n, total FROM (
                SELECT day, rule, count() AS n, sum(n) OVER (PARTITION BY day) AS total FROM raised GROUP BY day, rule
            )
            ORDER BY day, n DESC LIMIT 10 BY day
        ) GROUP BY day
        UNION ALL
        SELECT day, 'ack_p50', waits[toUInt32(ceil(0.5 * length(waits)))], NULL FROM acks
        UNION ALL
        SELECT day, 'ack_p95', waits[toUInt32(ceil(0.95 * length(waits)))], NULL FROM acks
        UNION ALL
        SELECT toDate(missed, '{zone}') AS day, 'never_acked', count(), NULL
        FROM occurrences WHERE is_missed GROUP BY day
        UNION ALL
        SELECT day, concat('share_', rank), count() / any(total), multiIf(rank = 'low', 0.8, rank = 'medium', 0.15, 0.05)
        FROM (SELECT day, rank, count() OVER (PARTITION BY day) AS total FROM raised) GROUP BY day, rank
        UNION ALL
        SELECT day, 'standing', uniqExact(rule, subject), NULL
        FROM standing
        WHERE ended >= least(toDateTime(day + 1, '{zone}'), now('UTC')) GROUP BY day
        UNION ALL
        SELECT day, 'stale', uniqExact(rule, subject), 5
        FROM standing INNER JOIN occurrences USING (rule, subject, occ)
        WHERE ended >= least(toDateTime(day + 1, '{zone}'), now('UTC'))
            AND began < least(toDateTime(day + 1, '{zone}'), now('UTC')) - INTERVAL 1 DAY
        GROUP BY day
        UNION ALL
        SELECT toDate(recorded, '{zone}') AS day, 'masked', count(), NULL
        FROM changes WHERE event = 'activated' AND NOT annunciate GROUP BY day
    )
SELECT day, kpi, toFloat64(value) AS value, target
FROM figures
ORDER BY day, kpi
