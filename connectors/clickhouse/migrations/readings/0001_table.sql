CREATE TABLE IF NOT EXISTS `{table}` (
    `id` String,
    `time` DateTime64(6, 'UTC'),
    `subject` LowCardinality(String),
    `metric` LowCardinality(String),
    `value` Nullable(Float64),
    `text` Nullable(String),
    `unit` LowCardinality(String),
    `quality` LowCardinality(String),
    `labels` Map(LowCardinality(String), String),
    `topic` Nullable(String),
    `raw` Nullable(String)
) ENGINE = ReplacingMergeTree
PARTITION BY {partition}
ORDER BY (subject, metric, time, id)
{keep}
COMMENT {comment}
