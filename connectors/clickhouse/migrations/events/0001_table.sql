CREATE TABLE IF NOT EXISTS `{table}` (
    `id` String,
    `time` DateTime64(6, 'UTC'),
    `kind` LowCardinality(String),
    `subject` LowCardinality(String),
    `type` LowCardinality(String),
    `data` String,
    `labels` Map(LowCardinality(String), String)
) ENGINE = ReplacingMergeTree
PARTITION BY {partition}
ORDER BY (subject, type, time, id)
{keep}
COMMENT {comment}
