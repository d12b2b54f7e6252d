CREATE TABLE IF NOT EXISTS `{table}` (
    `id` String,
    `time` DateTime64(6, 'UTC'),
    `recorded` DateTime64(6, 'UTC'),
    `rule` LowCardinality(String),
    `alarm` LowCardinality(String),
    `subject` LowCardinality(String),
    `occ` UInt32,
    `seq` UInt32,
    `event` LowCardinality(String),
    `change` LowCardinality(String),
    `state` LowCardinality(String),
    `isa` LowCardinality(String),
    `flags` Array(LowCardinality(String)),
    `before` Array(LowCardinality(String)),
    `severity` LowCardinality(String),
    `priority` LowCardinality(String),
    `value` String,
    `unit` LowCardinality(String),
    `limit` Nullable(Float64),
    `reason` LowCardinality(String),
    `annunciate` Bool,
    `rule_hash` LowCardinality(String),
    `metric` LowCardinality(String),
    `page` LowCardinality(String),
    `message` String,
    `response` String,
    `labels` Map(LowCardinality(String), String),
    `evidence` String,
    `user` LowCardinality(String),
    `comment` String,
    `until` Nullable(DateTime64(6, 'UTC'))
) ENGINE = ReplacingMergeTree
PARTITION BY {partition}
ORDER BY (rule, subject, occ, seq, id)
{keep}
COMMENT {comment}
